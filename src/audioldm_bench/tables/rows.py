"""One row of Table I or II: our values, the paper's, intervals, and where ours come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..datasets.absent import ClipCount
from ..errors import UserError
from ..files import read_json
from ..labels import METRICS, paper_order

PROVENANCE = ["seed", "guidance_scale", "candidates", "sampling_steps", "checkpoint_sha256"]
PROVENANCE += ["versions"]
ADDED = [
    *(f"paper_{m}" for m in METRICS),
    *(f"difference_{m}" for m in METRICS),
    "n",
    "missing",
    "clip_list_sha256",
    *(f"{m}_name" for m in METRICS),
    *PROVENANCE,
]
LAST = [*(f"{m}_{end}" for m in METRICS for end in ("low", "high")), "kind"]
COLUMNS1 = ["dataset", "test_condition", *METRICS, *ADDED, *LAST]
COLUMNS2 = [
    "dataset",
    "pretrained",
    "train_condition",
    "train_steps",
    *METRICS,
    "paper_train_steps",
]
COLUMNS2 += [*ADDED, "train_missing", "selected_on", "selected_by", *LAST]

Row = dict[str, object]
Counts = Mapping[str, Mapping[str, ClipCount]]  # by dataset and split


def ordered(found: Mapping[tuple, object], *orders: Sequence[str]) -> list[tuple]:
    """Keys (dataset, ...) with the datasets in the paper's order, then by each of `orders`."""
    datasets = paper_order(key[0] for key in found)
    for key in found:
        for value, order in zip(key[1:], orders, strict=True):
            if value not in order:
                raise ValueError(f"{key}: '{value}' is none of {', '.join(order)}")
    ranks = [datasets, *orders]
    return sorted(found, key=lambda k: [o.index(v) for o, v in zip(ranks, k, strict=True)])


def measured(path: Path, paper: Mapping[str, float]) -> Row:
    """Ours with intervals, the paper's, the difference (ours minus the paper's), and sources."""
    ours = read_json(path)
    lacking = [m for m in METRICS if m not in ours]
    if lacking:
        raise UserError(f"{path}: no {', '.join(lacking)}; delete the file and run again")
    row: Row = {m: ours[m] for m in METRICS}
    for metric in METRICS:
        row[f"paper_{metric}"] = paper.get(metric)
        known = metric in paper and ours[metric] is not None
        row[f"difference_{metric}"] = ours[metric] - paper[metric] if known else None
        name = ours.get("names", {}).get(metric)
        row[f"{metric}_name"] = name
        about = ours.get("values", {}).get(name, {})
        row |= {f"{metric}_{end}": about.get(end) for end in ("low", "high")}
    row["n"] = ours.get("n")
    row["clip_list_sha256"] = ours.get("clip_list_sha256")
    return row | provenance(ours.get("provenance", {})) | {"kind": "system"}


def provenance(source: Mapping) -> Row:
    """What made the clips, from their clips.json."""
    own = {key: source.get(key) for key in PROVENANCE}
    return own | {"sampling_steps": source.get("steps")}


def missing(row: Row, counts: Counts) -> Row:
    """Clips that the evaluation split names and that are not in this row's values."""
    if row["dataset"] not in counts or row["n"] is None:
        return {"missing": None}
    return {"missing": counts[row["dataset"]]["evaluation"].named - row["n"]}
