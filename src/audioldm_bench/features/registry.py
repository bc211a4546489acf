"""Backbones by name. Cheap to import: a network's own module is imported when it is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from audioldm_bench.errors import UserError
from audioldm_bench.features.base import Backbone


def _panns(name: str) -> Callable[[Path], Backbone]:
    def load(path: Path) -> Backbone:
        from audioldm_bench.features.panns import PannsCnn14

        return PannsCnn14(path, name)

    return load


def _vggish(path: Path) -> Backbone:
    from audioldm_bench.features.vggish import Vggish

    return Vggish(path)


def _efficientat_mn04(path: Path) -> Backbone:
    from audioldm_bench.features.efficientat import EfficientAtMn04

    return EfficientAtMn04(path)


def _clap(path: Path) -> Backbone:
    from audioldm_bench.features.clap_backbone import ClapAudio

    return ClapAudio(path)


def _small_cnn(name: str) -> Callable[[Path], Backbone]:
    def load(path: Path) -> Backbone:
        from audioldm_bench.features.cnn import load_cnn

        return load_cnn(path, name=name)

    return load


# From a weights file (published networks) or a model folder (CLAP, networks of a study's own).
BACKBONES: dict[str, Callable[[Path], Backbone]] = {
    "panns_cnn14_16k": _panns("panns_cnn14_16k"),
    "panns_cnn14_32k": _panns("panns_cnn14_32k"),
    "vggish": _vggish,
    "clap": _clap,
    "efficientat_mn04": _efficientat_mn04,
    "tagger": _small_cnn("tagger"),
    "embedder": _small_cnn("embedder"),
}


def load_backbone(name: str, path: Path) -> Backbone:
    """The backbone `name` with the weights at `path`, a file or a model folder.

    Raises UserError for a name that is not in `BACKBONES` and for weights that are not there.
    """
    if name not in BACKBONES:
        known = ", ".join(sorted(BACKBONES))
        raise UserError(f"metrics: unknown backbone '{name}'; choose one of {known}")
    path = Path(path)
    if not path.exists():
        raise UserError(f"backbone {name}: no weights at {path}; run the rule that makes them")
    return BACKBONES[name](path)
