"""The headline: both tables with the paper's values, where numbers come from, what they say."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..evaluation.values import metric_names
from ..labels import METRICS, clips_label, dataset_label, steps_label
from ..paper import BACKBONES

Row = Mapping[str, str]
_LEFT = {  # headings and columns left of the metrics
    "table1": [("Dataset", "dataset"), ("Test condition", "test_condition")],
    "table2": [
        ("Dataset", "dataset"),
        ("Pre-training", "pretrained"),
        ("Train condition", "train_condition"),
        ("Train steps", "train_steps"),
    ],
}
_SOURCES = [  # what a row's popover shows, in this order
    ("Clips (N)", "n"),
    ("Missing evaluation clips", "missing"),
    ("Missing training clips", "train_missing"),
    ("Training steps", "train_steps"),
    ("Chosen by", "selected_by"),
    ("Seed", "seed"),
    ("Guidance scale", "guidance_scale"),
    ("Candidates a prompt", "candidates"),
    ("Sampling steps", "sampling_steps"),
    ("Checkpoint, sha256", "checkpoint_sha256"),
    ("Clip list, sha256", "clip_list_sha256"),
    *((f"{how.label} computed as", f"{name}_name") for name, how in METRICS.items()),
]


def read_rows(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def table_context(kind: str, rows: Sequence[Row]) -> dict:
    """Of table1 or table2: heads, rows of cells with their sort keys, popovers with sources."""
    left = _LEFT[kind]
    lines = []
    for number, row in enumerate(rows):
        cells = [_left_cell(column, row) for _, column in left]
        values = [_value_cell(metric, row) for metric in METRICS]
        name = ", ".join(cell["text"] for cell in cells)
        sources = [(label, row[key]) for label, key in _SOURCES if row.get(key)]
        lines.append(
            {
                "id": f"{kind}-{number}",
                "name": name,
                "left": cells,
                "values": values,
                "n": clips_label(int(row["n"]), int(row["missing"] or 0)) if row["n"] else "",
                "sources": sources + _versions(row),
                "first": number == 0 or row["dataset"] != rows[number - 1]["dataset"],
            }
        )
    heads = [label for label, _ in left]
    return {"heads": heads, "metrics": list(METRICS.values()), "rows": lines}


def _left_cell(column: str, row: Row) -> dict:
    value = row[column]
    if column == "dataset":
        return {"text": dataset_label(value), "sort": dataset_label(value), "paper": ""}
    if column == "train_steps":
        paper = row["paper_train_steps"]
        shown = steps_label(int(value))
        return {
            "text": shown,
            "sort": value,
            "paper": steps_label(int(paper)) if paper else "",
            "number": True,
        }
    return {"text": value, "sort": value, "paper": ""}


def _value_cell(metric: str, row: Row) -> dict:
    """Our value, the paper's, the difference and whether it is to the better."""
    if not row[metric]:
        return {"text": "–", "sort": "", "paper": "", "difference": "", "verdict": ""}
    value = float(row[metric])
    cell = {"text": f"{value:.2f}", "sort": repr(value), "label": METRICS[metric].label}
    if not row[f"paper_{metric}"]:
        return cell | {"paper": "", "difference": "", "verdict": ""}
    paper = float(row[f"paper_{metric}"])
    difference = f"{value - paper:+.2f}".replace("-", "−")
    verdict = "better" if METRICS[metric].better(value, paper) else "worse"
    if float(f"{value - paper:.2f}") == 0:
        difference, verdict = "±0.00", "same"
    return cell | {"paper": f"{paper:.2f}", "difference": difference, "verdict": verdict}


def _versions(row: Row) -> list[tuple[str, str]]:
    if not row.get("versions"):
        return []
    versions = json.loads(row["versions"])
    return [("Versions", ", ".join(f"{k} {v}" for k, v in sorted(versions.items())))]


def foreign_backbones(rows: Sequence[Row]) -> list[str]:
    """The metrics' names that stand on another backbone than the paper's: not to be compared."""
    papers = metric_names(BACKBONES)
    found = {
        row[f"{m}_name"]
        for row in rows
        for m in METRICS
        if row.get(f"{m}_name") and row[f"{m}_name"] != papers[m]
    }
    return sorted(found)


# -------------------------------------------------------------------- what the tables say
def findings(table1: Sequence[Row], table2: Sequence[Row]) -> list[dict]:
    """The paper's three statements, counted over all metrics: here, and in the paper's rows.

    A statement compares pairs of rows that differ in one column; with four metrics each.
    """
    found = [
        _finding(
            "Pre-trained beats from scratch",
            table2,
            ("dataset", "train_condition"),
            lambda row: row["pretrained"] == "yes",
        ),
        _finding(
            "Training with text beats training with audio",
            table2,
            ("dataset", "pretrained"),
            lambda row: row["train_condition"] == "text",
        ),
        _finding(
            "Sampling from audio beats sampling from text",
            table1,
            ("dataset",),
            lambda row: row["test_condition"] == "audio",
        ),
    ]
    return [finding for finding in found if finding["pairs"]]


def _finding(
    title: str, rows: Sequence[Row], same: Sequence[str], favoured: Callable[[Row], bool]
) -> dict:
    pairs: dict[tuple, dict[bool, Row]] = {}
    for row in rows:
        pairs.setdefault(tuple(row[k] for k in same), {})[favoured(row)] = row
    whole = [(pair[True], pair[False]) for pair in pairs.values() if len(pair) == 2]
    ours = [_wins(one, other, "") for one, other in whole]
    paper = [_wins(one, other, "paper_") for one, other in whole]
    return {
        "title": title,
        "pairs": len(whole),
        "won": sum(won for won, _ in ours),
        "of": sum(of for _, of in ours),
        "paper_won": sum(won for won, _ in paper),
        "paper_of": sum(of for _, of in paper),
    }


def _wins(one: Row, other: Row, prefix: str) -> tuple[int, int]:
    """How many metrics say that `one` is better, of how many that both rows have."""
    known = [m for m in METRICS if one[prefix + m] and other[prefix + m]]
    won = [METRICS[m].better(float(one[prefix + m]), float(other[prefix + m])) for m in known]
    return sum(won), len(won)
