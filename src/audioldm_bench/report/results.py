"""The headline: both tables with the paper's values, intervals, and where numbers come from."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..evaluation.values import metric_names
from ..labels import METRICS, clips_label, dataset_label, steps_label, system_label
from ..paper import BACKBONES
from ..typeset import fixed, span

Row = Mapping[str, str]
Written = Callable[[float], str]
Computed = Mapping[tuple[str, str], Sequence[tuple[str, str]]]
_LEFT = {  # headings and columns left of the metrics
    "table1": [("Dataset", "dataset"), ("Test condition", "test_condition")],
    "table2": [
        ("Dataset", "dataset"),
        ("Pre-training", "pretrained"),
        ("Train condition", "train_condition"),
        ("Train steps", "train_steps"),
    ],
}
SOURCES = [  # what a row's popover shows, in this order
    ("Clips (N)", "n"),
    ("Missing evaluation clips", "missing"),
    ("Missing training clips", "train_missing"),
    ("Training steps", "train_steps"),
    ("Chosen on", "selected_on"),
    ("Chosen by", "selected_by"),
    ("Seed", "seed"),
    ("Guidance scale", "guidance_scale"),
    ("Candidates a prompt", "candidates"),
    ("Sampling steps", "sampling_steps"),
    ("Checkpoint, sha256", "checkpoint_sha256"),
    ("Clip list, sha256", "clip_list_sha256"),
]
_NAMES = [(f"{how.label} computed as", f"{name}_name") for name, how in METRICS.items()]


def read_rows(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def is_bound(row: Row) -> bool:
    """Whether it is a floor or a ceiling, which is no system."""
    return row.get("kind", "system") != "system"


def first_choice(rows: Sequence[Row]) -> list[Row]:
    """Of Table II's rows a row a run: where several splits chose, those of the first."""
    splits = [row["selected_on"] for row in rows if row.get("selected_on")]
    return [row for row in rows if row.get("selected_on") in (None, "", *splits[:1])]


def how_chosen(rows: Sequence[Row]) -> list[str]:
    """How the steps of Table II's rows were chosen, one phrase a split."""
    runs = [row for row in rows if row["selected_by"]]
    by = {row.get("selected_on") or "evaluation": row["selected_by"] for row in runs}
    told = {
        "evaluation": "the best by {} on the evaluation set itself, as in the paper",
        "validation": "the one with the lowest denoising loss on the validation clips",
    }
    return [told[split].format(metric.upper()) for split, metric in by.items()]


def system_of(row: Row) -> str:
    """The folder name of a row's system; of the ceiling that of the noise."""
    if is_bound(row):
        kind = row.get("kind")
        return "ceiling-noise" if kind == "ceiling" else str(kind)
    if "system" in row:
        return row["system"]
    if "test_condition" in row:
        return f"baseline-{row['test_condition']}"
    start = "pretrained" if row["pretrained"] == "yes" else "scratch"
    return f"{start}-{row['train_condition']}-{int(row['train_steps']):07d}"


def table_context(kind: str, rows: Sequence[Row], computed: Computed | None = None) -> dict:
    """Of table1 or table2: heads, rows of cells with their sort keys, popovers with sources.

    `computed`: by (dataset, system), what `provenance.how_computed` says of its metrics.
    """
    left = list(_LEFT[kind])
    several = len({row.get("selected_on") or "" for row in rows} - {""}) > 1
    if several:
        left.insert(-1, ("Chosen on", "selected_on"))
    lines = []
    for number, row in enumerate(rows):
        cells = [_left_cell(column, row) for _, column in left]
        values = [_value_cell(metric, row) for metric in METRICS]
        sources = [(label, row[key]) for label, key in [*SOURCES, *_NAMES] if row.get(key)]
        lines.append(
            {
                "id": f"{kind}-{number}",
                "title": _title(row, several),
                "left": cells,
                "values": values,
                "n": clips_label(int(row["n"]), int(row["missing"] or 0)) if row["n"] else "",
                "scored": row["n"],  # a number, to sort by
                "sources": [
                    *sources,
                    *versions(row),
                    *(computed or {}).get((row["dataset"], system_of(row)), []),
                ],
                "bound": is_bound(row),
                "first": number == 0 or row["dataset"] != rows[number - 1]["dataset"],
            }
        )
    heads = [label for label, _ in left]
    return {"heads": heads, "metrics": list(METRICS.values()), "rows": lines}


def _title(row: Row, several: bool) -> str:
    """A row in words; where `several` splits chose, a run has a row each, maybe of one step."""
    words = str(row.get("kind")) if is_bound(row) else system_label(system_of(row))
    chosen = [f"chosen on {row['selected_on']}"] if several and row["selected_on"] else []
    return ", ".join([dataset_label(row["dataset"]), words, *chosen])


def _left_cell(column: str, row: Row) -> dict:
    value = row[column]
    if column == "dataset":
        return {"text": dataset_label(value), "sort": dataset_label(value), "paper": ""}
    value = value or ""
    if column == "train_steps" and value:
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
    """Our value, its interval, the paper's, the difference and what it means.

    "better" or "worse" than the paper, or "same" where the paper's value is as likely as ours: it
    lies in our interval, or reads the same.
    """
    cell = value_cell(metric, row)
    cell |= {"paper": "", "difference": "", "verdict": ""}
    if not row[metric] or not row[f"paper_{metric}"]:
        return cell
    value, paper = float(row[metric]), float(row[f"paper_{metric}"])
    difference = f"{value - paper:+.2f}".replace("-", "−")
    verdict = "better" if METRICS[metric].better(value, paper) else "worse"
    ends = [row.get(f"{metric}_{end}") for end in ("low", "high")]
    if all(ends) and float(ends[0]) <= paper <= float(ends[1]):
        verdict = "same"
    if float(f"{value - paper:.2f}") == 0:
        difference, verdict = "±0.00", "same"
    return cell | {"paper": f"{paper:.2f}", "difference": difference, "verdict": verdict}


def value_cell(key: str, row: Row, written: Written = fixed) -> dict:
    """A value and its interval, as they are read and by what they sort."""
    if not row[key]:
        return {"text": "–", "sort": "", "interval": ""}
    value = float(row[key])
    text = written(value).replace("-", "−")
    return {"text": text, "sort": repr(value), "interval": around(key, row, written)}


def around(key: str, row: Row, written: Written = fixed) -> str:
    """The interval of a column, from the columns <key>_low and <key>_high."""
    low, high = (row.get(f"{key}_{end}") for end in ("low", "high"))
    return span(float(low), float(high), written).replace("-", "−") if low and high else ""


def versions(row: Row) -> list[tuple[str, str]]:
    if not row.get("versions"):
        return []
    found = json.loads(row["versions"])
    return [("Versions", ", ".join(f"{k} {v}" for k, v in sorted(found.items())))]


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
