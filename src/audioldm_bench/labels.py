"""Names, directions and line styles that tables, figures and report share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .metrics.registry import VARIANTS, parse_name
from .paper import DATASETS


@dataclass(frozen=True)
class Metric:
    """How a metric is written, and which way is better."""

    label: str
    higher_is_better: bool = False

    @property
    def arrow(self) -> str:
        return "↑" if self.higher_is_better else "↓"

    @property
    def heading(self) -> str:
        return f"{self.label} {self.arrow}"

    def better(self, one: float, other: float) -> bool:
        return one > other if self.higher_is_better else one < other


METRICS: dict[str, Metric] = {  # in the paper's order
    "fd": Metric("FD"),
    "is": Metric("IS", higher_is_better=True),
    "kl": Metric("KL"),
    "fad": Metric("FAD"),
}


def metric_of(full: str) -> Metric:
    """How a metric is written, from its full name: KAD of kad_vggish."""
    variant = VARIANTS[parse_name(full)[0]]
    return Metric(variant.label, variant.higher_is_better)


@dataclass(frozen=True)
class Line:
    """A curve: told apart by colour (Okabe and Ito), by dash and by marker, so also in grey."""

    label: str
    colour: str
    marker: str
    dash: str
    filled: bool = True


# Fig. 2: colour and marker for the training condition, filling for the initialisation; each has a
# dash of its own, for curves can lie on one another.
RUNS: dict[tuple[str, str], Line] = {
    ("scratch", "text"): Line("scratch, text", "#0072b2", "o", "--", filled=False),
    ("scratch", "audio"): Line("scratch, audio", "#e69f00", "s", ":", filled=False),
    ("pretrained", "text"): Line("pre-trained, text", "#0072b2", "o", "-"),
    ("pretrained", "audio"): Line("pre-trained, audio", "#e69f00", "s", "-."),
}

CORRUPTIONS: dict[str, Line] = {  # Fig. 1, in the order of its caption
    "noise": Line("noise", "#0072b2", "o", "-"),
    "mask": Line("masking", "#d55e00", "s", "--"),
    "disorder": Line("disordered events", "#cc79a7", "D", ":", filled=False),
    "interference": Line("interfering events", "#009e73", "^", "-.", filled=False),
}


def dataset_label(name: str) -> str:
    """The paper's name of a dataset; a user's own is written as in the config."""
    return DATASETS.get(name, name)


def paper_order(names: Iterable[str]) -> list[str]:
    """The paper's datasets in its order, then the others as they come; each once."""
    given = list(dict.fromkeys(names))
    return [n for n in DATASETS if n in given] + [n for n in given if n not in DATASETS]


def system_label(system: str) -> str:
    """A system's folder name in words: pretrained-text-0080000 -> pre-trained, text, 80 K steps."""
    known = {
        "real": "real",
        "baseline-text": "baseline, from text",
        "baseline-audio": "baseline, from audio",
    }
    if system in known:
        return known[system]
    init, _, rest = system.partition("-")
    condition, _, step = rest.partition("-")
    if (init, condition) in RUNS and step.isdigit():
        steps = steps_label(int(step)).replace(" ", "\u00a0")
        return f"{RUNS[init, condition].label}, {steps}\u00a0steps"
    return system


def clips_label(n: int, missing: int | None) -> str:
    """The number of clips scored, and of how many if some are missing: 952/964."""
    return f"{n}/{n + missing}" if missing else str(n)


def steps_label(steps: int) -> str:
    """Steps as the paper writes them: 80000 -> 80 K; below a thousand in full."""
    return f"{steps / 1000:g} K" if steps >= 1000 else str(steps)
