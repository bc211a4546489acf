"""Published weights, imported into component folders of diffusers and transformers."""

from .audioldm import import_audioldm
from .diffusers_folder import import_diffusers

__all__ = ["import_audioldm", "import_diffusers"]
