"""Floor and ceiling: what real sound and no sound at all score, between which systems lie.

The floor is real clips that are not in the evaluation set, scored as if a system had made them.
The ceiling is white noise as loud as the real clips; for metrics that compare pairs of clips it is
the real clips under the names of others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from ..files import read_json
from ..labels import METRICS, dataset_label
from ..metrics.registry import PAPER, VARIANTS, parse_name
from .rows import Row, measured

FLOOR, NOISE, SHUFFLED = "floor", "ceiling-noise", "ceiling-shuffled"  # names of systems
KINDS = ("floor", "ceiling")  # of rows
Bounds = Mapping[str, Path]  # metrics.json by the names of the three systems

T = TypeVar("T")


def by_dataset(files: Iterable[tuple[str, str, Path]]) -> dict[str, dict[str, Path]]:
    """(dataset, system, metrics.json) of floors and ceilings, by dataset and system."""
    found: dict[str, dict[str, Path]] = {}
    for dataset, system, path in files:
        found.setdefault(dataset, {})[system] = path
    return found


def source_of(variant: str, kind: str) -> str:
    """The system whose value of a metric's variant stands in the row `kind`."""
    if kind == "floor":
        return FLOOR
    return SHUFFLED if VARIANTS[variant].paired else NOISE


def merged(values: Mapping[str, Mapping[str, T]], kind: str) -> dict[str, T]:
    """By full name, the values of the row `kind`, each from the system that it comes from."""
    names = dict.fromkeys(full for own in values.values() for full in own)
    sources = {full: source_of(parse_name(full)[0], kind) for full in names}
    return {
        full: values[source][full]
        for full, source in sources.items()
        if full in values.get(source, {})
    }


def bound_rows(bounds: Bounds) -> list[Row]:
    """Floor and ceiling of one dataset, as far as their systems are there, as `measured` does."""
    rows = []
    for kind, main in zip(KINDS, (FLOOR, NOISE), strict=True):
        if main not in bounds:
            continue
        row = measured(bounds[main], {})
        for metric in METRICS:
            source = source_of(PAPER[metric], kind)
            if source != main:
                other = measured(bounds[source], {}) if source in bounds else {}
                row |= {key: other.get(key) for key in _columns(metric)}
        rows.append(row | {"missing": None, "kind": kind})
    return rows


def _columns(metric: str) -> list[str]:
    return [metric, f"{metric}_name", f"{metric}_low", f"{metric}_high"]


def note(floors: Mapping[str, Path]) -> str:
    """What floor and ceiling are; `floors`: the floor's metrics.json by dataset."""
    if not floors:
        return ""
    halved = [d for d, path in floors.items() if _mode(path) == "halves"]
    half = "half of the evaluation clips under the names of the rest"
    floor = "real clips from outside the evaluation set"
    if halved and len(halved) < len(floors):
        floor += f" ({', '.join(map(dataset_label, halved))}: {half})"
    elif halved:
        floor = half
    return (
        f"Floor: {floor}. Ceiling: white noise as loud as the real clips; for KL, the real clips "
        "under the names of others."
    )


def _mode(path: Path) -> str | None:
    return read_json(path).get("provenance", {}).get("mode")
