"""Tables I and II from metrics files, as csv, Markdown and LaTeX, the paper's values beside ours.

The csv holds full precision, one value a cell; Markdown and LaTeX two decimals, for reading.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from .datasets.absent import ClipCount
from .errors import UserError
from .files import read_json
from .labels import METRICS, dataset_label, paper_order, steps_label
from .paper import TABLE1, TABLE2
from .typeset import Sheet, write_tables

CONDITIONS1 = ("text", "audio")  # row order of Table I
CONDITIONS2 = ("audio", "text")  # row order of Table II
INITIALISATIONS = ("scratch", "pretrained")

ADDED = [
    *(f"paper_{m}" for m in METRICS),
    *(f"difference_{m}" for m in METRICS),
    "n",
    "missing",
    "clip_list_sha256",
    *(f"{m}_name" for m in METRICS),
    "seed",
    "guidance_scale",
    "candidates",
    "sampling_steps",
    "checkpoint_sha256",
    "versions",
]
COLUMNS1 = ["dataset", "test_condition", *METRICS, *ADDED]
COLUMNS2 = [
    "dataset",
    "pretrained",
    "train_condition",
    "train_steps",
    *METRICS,
    "paper_train_steps",
]
COLUMNS2 += [*ADDED, "train_missing", "selected_by"]

Row = dict[str, object]
Counts = Mapping[str, Mapping[str, ClipCount]]  # by dataset and split


# ----------------------------------------------------------------------------- the tables
def make_table1(
    metrics: Iterable[tuple[str, str, Path]],
    outputs: Mapping[str, Path],
    counts: Counts | None = None,
) -> list[Row]:
    """Table I, the pre-trained model not fine-tuned.

    `metrics`: (dataset, test condition, metrics.json); `outputs`: paths by csv, md and/or tex;
    `counts`: how many clips there should be and are, by which the table says how many are missing
    (nothing where they are not given). Returns the rows, in the paper's order.
    """
    counts = counts or {}
    found = {(dataset, condition): path for dataset, condition, path in metrics}
    keys = _ordered(found, CONDITIONS1)
    rows = []
    for dataset, condition in keys:
        paper = TABLE1.get((dataset, condition), {})
        names = {"dataset": dataset, "test_condition": condition}
        row = names | _measured(found[dataset, condition], paper)
        rows.append(row | _missing(row, counts))
    title = "Baselines of the pre-trained AudioLDM, not fine-tuned."
    sheet = Sheet("I", "baselines", title, _notes(rows, counts), ["Dataset", "Test condition"])
    for row in rows:
        sheet.add([dataset_label(row["dataset"]), row["test_condition"]], row)
    write_tables(outputs, COLUMNS1, rows, sheet)
    return rows


def make_table2(
    metrics: Iterable[tuple[str, str, str, int, Path]],
    outputs: Mapping[str, Path],
    counts: Counts | None = None,
    *,
    select_by: str,
) -> list[Row]:
    """Table II, fine-tuned and from scratch, each run at its best step.

    `metrics`: (dataset, initialisation, training condition, step, metrics.json). The step is
    chosen by the metric `select_by` on the evaluation set itself, as the paper does; of equal
    ones the earlier. `outputs` and `counts`: as of Table I. UserError for an unknown metric.
    """
    counts = counts or {}
    if select_by not in METRICS:
        known = ", ".join(METRICS)
        raise UserError(f"config: table2.select_by is '{select_by}'; choose one of {known}")
    runs: dict[tuple[str, str, str], list[tuple[int, Path]]] = {}
    for dataset, init, condition, step, path in metrics:
        runs.setdefault((dataset, init, condition), []).append((int(step), path))
    rows = []
    for key in _ordered(runs, INITIALISATIONS, CONDITIONS2):
        step, path = best_step(runs[key], select_by)
        row = _row2(key, step, path, select_by)
        trained = counts[key[0]]["train"].missing if key[0] in counts else None
        rows.append(row | _missing(row, counts) | {"train_missing": trained})
    heads = ["Dataset", "Pre-training", "Train condition", "Train steps"]
    title = f"Comparison of pre-training strategies. {_choice(select_by)}"
    sheet = Sheet("II", "strategies", title, _notes(rows, counts), heads, numbers=1)
    for row in rows:
        sheet.add(_lead2(row), row)
    write_tables(outputs, COLUMNS2, rows, sheet)
    return rows


def best_step(steps: Sequence[tuple[int, Path]], select_by: str) -> tuple[int, Path]:
    """The (step, metrics.json) with the best `select_by`; of equal ones the fewest steps."""
    metric = METRICS[select_by]

    def rank(item: tuple[int, Path]) -> tuple[float, int]:
        value = read_json(item[1])[select_by]
        if value is None:
            return float("inf"), item[0]
        return (-value if metric.higher_is_better else value), item[0]

    return min(steps, key=rank)


def print_tables(tables: Sequence[Path], others: Sequence[Path], out: TextIO | None = None) -> None:
    """Prints the Markdown tables as they are, then the paths of what else was made."""
    out = out or sys.stdout
    for path in tables:
        out.write(f"\n{Path(path).read_text(encoding='utf-8')}")
    out.write("\nMade:\n")
    for path in [*tables, *others]:
        out.write(f"  {path}\n")
    out.flush()


# ------------------------------------------------------------------------------- one row
def _ordered(found: Mapping[tuple, object], *orders: Sequence[str]) -> list[tuple]:
    """Keys (dataset, ...) with the datasets in the paper's order, then by each of `orders`."""
    datasets = paper_order(key[0] for key in found)
    for key in found:
        for value, order in zip(key[1:], orders, strict=True):
            if value not in order:
                raise ValueError(f"{key}: '{value}' is none of {', '.join(order)}")
    ranks = [datasets, *orders]
    return sorted(found, key=lambda k: [o.index(v) for o, v in zip(ranks, k, strict=True)])


def _measured(path: Path, paper: Mapping[str, float]) -> Row:
    """Ours, the paper's, the difference (ours minus the paper's) and where ours comes from."""
    ours = read_json(path)
    missing = [m for m in METRICS if m not in ours]
    if missing:
        raise UserError(f"{path}: no {', '.join(missing)}; delete the file and run again")
    row: Row = {m: ours[m] for m in METRICS}
    for metric in METRICS:
        row[f"paper_{metric}"] = paper.get(metric)
        known = metric in paper and ours[metric] is not None
        row[f"difference_{metric}"] = ours[metric] - paper[metric] if known else None
        row[f"{metric}_name"] = ours.get("names", {}).get(metric)
    row["n"] = ours.get("n")
    row["clip_list_sha256"] = ours.get("clip_list_sha256")
    source = ours.get("provenance", {})
    for key in ("seed", "guidance_scale", "candidates", "checkpoint_sha256", "versions"):
        row[key] = source.get(key)
    row["sampling_steps"] = source.get("steps")
    return row


def _missing(row: Row, counts: Counts) -> Row:
    """Clips that the evaluation split names and that are not in this row's values."""
    if row["dataset"] not in counts or row["n"] is None:
        return {"missing": None}
    return {"missing": counts[row["dataset"]]["evaluation"].named - row["n"]}


def _row2(key: tuple[str, str, str], step: int, path: Path, select_by: str) -> Row:
    dataset, init, condition = key
    paper = TABLE2.get(key, {})
    row: Row = {"dataset": dataset, "pretrained": "yes" if init == "pretrained" else "no"}
    row |= {"train_condition": condition, "train_steps": step}
    row |= {"paper_train_steps": paper.get("train_steps"), "selected_by": select_by}
    return row | _measured(path, paper)


def _lead2(row: Row) -> list[str]:
    steps = steps_label(row["train_steps"])
    if row["paper_train_steps"] is not None:
        steps += f" ({steps_label(row['paper_train_steps'])})"
    return [dataset_label(row["dataset"]), row["pretrained"], row["train_condition"], steps]


def _choice(select_by: str) -> str:
    metric = METRICS[select_by]
    which = "highest" if metric.higher_is_better else "lowest"
    return (
        f"Each run is shown at the step with the {which} {metric.label} on the evaluation set "
        "itself, as in the paper; evaluated with text as the condition."
    )


def _notes(rows: Sequence[Row], counts: Counts) -> str:
    """What the parentheses are, backbones, seeds and missing clips, as far as they are known."""
    names = dict.fromkeys(r[f"{m}_name"] for m in METRICS for r in rows if r[f"{m}_name"])
    seeds = dict.fromkeys(str(r["seed"]) for r in rows if r["seed"] is not None)
    parts = ["In parentheses: the paper's value."]
    if names:
        parts.append(f"Metrics: {', '.join(names)}.")
    if seeds:
        parts.append(f"Seed: {', '.join(seeds)}.")
    return " ".join([*parts, *_missing_note(rows, counts)])


def _missing_note(rows: Sequence[Row], counts: Counts) -> list[str]:
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
