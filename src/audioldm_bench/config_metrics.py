"""The config's `metrics`: which metric can be had of which backbone."""

from __future__ import annotations

import json
from collections.abc import Iterator

from .config_rules import at, one_of
from .errors import UserError
from .metrics.registry import PAPER, VARIANTS, parse_name

# The backbones that a trained study trains, and what gives embeddings but no class scores.
_TRAINED = ["tagger", "embedder"]
_CLAP = "clap"  # the study's own, published or trained
_WITHOUT_CLASSES = ["embedder", "vggish", _CLAP]


def broken_metrics(config: dict) -> Iterator[str]:
    """A sentence for each rule that `metrics` breaks."""
    source = at(config, "models", "source", kind=str)
    known = list(at(config, "models", "published", "backbones"))
    if source == "trained":
        known = _TRAINED + known
    elif source != "published":
        return
    yield from _paper(config, known, source)
    for full in at(config, "metrics", "also", kind=list):
        if isinstance(full, str):
            yield from _also(full, [*known, _CLAP], source)


def _paper(config: dict, known: list[str], source: str) -> Iterator[str]:
    for metric in PAPER:
        name = at(config, "metrics", metric, kind=str)
        start = f"`metrics.{metric}` is {json.dumps(name)}: "
        if name and name not in known:
            yield start + f"{one_of(name, known)} (`models.source` is {source})."
        elif name in _WITHOUT_CLASSES and metric in ("is", "kl"):
            yield start + _needs_classes(known)


def _also(full: str, known: list[str], source: str) -> Iterator[str]:
    start = f"`metrics.also` names {json.dumps(full)}: "
    try:
        variant, backbone = parse_name(full)
    except UserError:
        variants = ", ".join(VARIANTS)
        yield start + (
            f"a metric's full name is a variant ({variants}) and a backbone, "
            "such as kad_panns_cnn14_16k."
        )
        return
    needs = VARIANTS[variant].needs
    if needs == "text" and backbone != _CLAP:
        yield start + f"it needs a backbone that hears and reads; write {variant}_{_CLAP}."
    elif backbone not in known:
        cure = one_of(backbone, known)
        yield (
            start + f"its backbone is {json.dumps(backbone)}; {cure} (`models.source` is {source})."
        )
    elif needs == "logits" and backbone in _WITHOUT_CLASSES:
        yield start + _needs_classes(known)


def _needs_classes(known: list[str]) -> str:
    others = [other for other in known if other not in _WITHOUT_CLASSES]
    return f"it gives no class scores, but this needs them; {one_of('', others)}."
