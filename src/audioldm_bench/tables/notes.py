"""What stands above a table: backbones, seeds, intervals, missing clips, as far as known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..files import read_json
from ..labels import METRICS, dataset_label
from .rows import Counts, Row


def about(rows: Sequence[Row]) -> list[str]:
    """What the parentheses are, names of the metrics, seeds."""
    names = dict.fromkeys(r[f"{m}_name"] for m in METRICS for r in rows if r[f"{m}_name"])
    seeds = dict.fromkeys(str(r["seed"]) for r in rows if r["seed"] is not None)
    parts = ["In parentheses: the paper's value."]
    if names:
        parts.append(f"Metrics: {', '.join(names)}.")
    if seeds:
        parts.append(f"Seed: {', '.join(seeds)}.")
    return parts


def intervals(files: Iterable[Path]) -> str:
    """How the intervals were made, from the first metrics.json that says so."""
    return next(filter(None, (interval_words(read_json(p).get("interval")) for p in files)), "")


def interval_words(made: Mapping | None) -> str:
    """Of "level" and "replicates"; empty where there are no intervals."""
    if not made or not made.get("replicates"):
        return ""
    share, number = f"{100 * made['level']:g} %", made["replicates"]
    return f"Intervals: {share}, from {number} random halves of the clips."


def missing_clips(rows: Sequence[Row], counts: Counts) -> list[str]:
    """One sentence about the clips that are missing; none where nothing is known of them."""
    told, known = [], False
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        own = [row for row in rows if row["dataset"] == dataset and row["missing"] is not None]
        known |= bool(own)
        pairs = [("evaluation", [row["missing"] for row in own])]
        pairs += [("train", [row["train_missing"] for row in own if "train_missing" in row])]
        words = [
            f"{_span(absent)} of {counts[dataset][split].named} {word} clips"
            for (split, absent), word in zip(pairs, ("evaluation", "training"), strict=True)
            if any(absent)
        ]
        told += [f"{dataset_label(dataset)} {' and '.join(words)}"] if words else []
    if not known:
        return []
    return [f"Missing: {'; '.join(told)}." if told else "No clips are missing."]


def _span(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(high) if low == high else f"{low} to {high}"
