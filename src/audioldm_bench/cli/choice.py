"""Which metrics on which backbones: from what was asked for to full names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audioldm_bench.cli import bounds
from audioldm_bench.errors import UserError
from audioldm_bench.features.registry import BACKBONES
from audioldm_bench.metrics.registry import PAPER, VARIANTS, parse_name

TAGGER, FRAMES, TEXT = "panns_cnn14_16k", "vggish", "clap"  # backbones where none is named
OF_FRAMES = ("vggish", "embedder")  # several embeddings a clip: FAD's; no classes
PAPERS = ("fd", "is", "kl_softmax")  # of a tagger; `fad` is of frames
# As config/config.yaml has them; a test holds the two together.
DEFAULTS = {"is_splits": 10, "is_seed": 2020, "minimum_duration": 2.0}
REPLICATES, LEVEL = 200, 0.95
SHORT = {**PAPER, **{variant: variant for variant in VARIANTS}}


@dataclass(frozen=True)
class Options:
    """What `evaluate` and `compare` have in common; the defaults are the program's."""

    metrics: Sequence[str] = ()  # full names, or variants on `backbones`; (): the paper's four
    backbones: Sequence[str] = ()
    weights: Mapping[str, Path] = field(default_factory=dict)  # of backbones; else published ones
    captions: Path | None = None  # csv
    duration: float | None = None  # s that clips are cut or padded to; None: their own length
    replicates: int = REPLICATES
    seed: int = 0
    cache: Path | None = None  # None: default_cache()
    offline: bool = False

    def check(self) -> None:
        """UserError for a number out of its range."""
        shortest, longest = bounds.DURATION
        if self.duration is not None and not shortest <= self.duration <= longest:
            raise UserError(
                f"--duration {self.duration:g}: must be from {shortest:g} to {longest:g} seconds"
            )
        if self.replicates == 1 or not 0 <= self.replicates <= bounds.REPLICATES[1]:
            raise UserError(
                f"--bootstrap {self.replicates}: 0, or 2 to {bounds.REPLICATES[1]} replicates"
            )
        for name in [*self.backbones, *self.weights]:
            if name not in BACKBONES:
                raise UserError(f"unknown backbone '{name}'; choose one of {_listed(BACKBONES)}")


def metric_names(options: Options) -> list[str]:
    """Full names of what to compute, each once, in the order asked for.

    Without `metrics`: FD, IS and KL on the taggers, FAD on the backbones of frames, and the CLAP
    score where there are captions. Backbones that are named, also by their weights, stand in for
    the default ones of their kind. UserError for a name that is none, with the cure.
    """
    named = list(dict.fromkeys([*options.backbones, *options.weights]))
    frames = [name for name in named if name in OF_FRAMES] or [FRAMES]
    taggers = [name for name in named if name not in (*OF_FRAMES, TEXT)] or [TAGGER]
    homes = {"fad": frames, "clap_score": [TEXT]}
    asked = list(options.metrics)
    if not asked:
        asked = [f"{variant}_{backbone}" for backbone in taggers for variant in PAPERS]
        asked += [f"fad_{backbone}" for backbone in frames]
        asked += [f"clap_score_{TEXT}"] if options.captions else []
    full = []
    for name in asked:
        variant = SHORT.get(name)
        homes_of = homes.get(variant, taggers) if variant else []
        full += [f"{variant}_{backbone}" for backbone in homes_of] or [_checked(name)]
    for name in full:
        _possible(name, options)
    return list(dict.fromkeys(full))


def _checked(name: str) -> str:
    """A full name; `kl_<backbone>` means `kl_softmax_<backbone>`."""
    for key, variant in PAPER.items():
        backbone = name.removeprefix(f"{key}_")
        if variant != key and backbone in BACKBONES:
            return f"{variant}_{backbone}"
    try:
        _, backbone = parse_name(name)
    except UserError as error:
        raise UserError(f"--{error}; or a variant alone, for the default backbone") from None
    if backbone not in BACKBONES:
        raise UserError(
            f"--metrics {name}: unknown backbone '{backbone}'; choose one of {_listed(BACKBONES)}"
        )
    return name


def _possible(name: str, options: Options) -> None:
    """UserError if the backbone of a full name does not give what the metric needs."""
    variant, backbone = parse_name(name)
    if VARIANTS[variant].needs == "logits" and backbone in (*OF_FRAMES, TEXT):
        raise UserError(
            f"--metrics {name}: {backbone} gives no classes, but {VARIANTS[variant].label} needs "
            f"them; choose another backbone, such as {TAGGER}"
        )
    if VARIANTS[variant].needs == "text" and backbone != TEXT:
        raise UserError(f"--metrics {name}: only {TEXT} reads captions; write clap_score_{TEXT}")
    if VARIANTS[variant].needs == "text" and options.captions is None:
        raise UserError(f"--metrics {name}: compares clips with captions; name them by --captions")


def metrics_config(options: Options, names: Sequence[str]) -> dict:
    """The `metrics` section of a study that computes `names`, as evaluation's functions read it."""
    by_variant: dict[str, str] = {}
    for name in names:
        variant, backbone = parse_name(name)
        by_variant.setdefault(variant, backbone)
    homes = {key: by_variant.get(variant) for key, variant in PAPER.items()}
    spare = next(iter(by_variant.values()))
    return {
        **{key: backbone or spare for key, backbone in homes.items()},
        **DEFAULTS,
        "also": list(names),
        "bootstrap": {"replicates": options.replicates, "level": LEVEL},
    }


def backbones_of(names: Iterable[str]) -> list[str]:
    """Those whose features the metrics need, sorted."""
    return sorted({parse_name(name)[1] for name in names})


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
