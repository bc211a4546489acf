"""Published weights, imported into component folders of diffusers and transformers."""

from .audioldm import import_audioldm

__all__ = ["import_audioldm"]
