"""Tables I and II of the paper, with floor and ceiling of each dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ..labels import METRICS, clips_label, dataset_label, steps_label
from ..paper import TABLE1, TABLE2
from ..typeset import Cell, Line, Sheet, fixed, span, write_tables
from . import notes
from .bounds import FLOOR, Bounds, bound_rows, by_dataset, note
from .choice import LOSS, SELECT_ON, best_step, check_choice
from .rows import COLUMNS1, COLUMNS2, Counts, Row, measured, missing, ordered

CONDITIONS1 = ("text", "audio")  # row order of Table I
CONDITIONS2 = ("audio", "text")  # row order of Table II
INITIALISATIONS = ("scratch", "pretrained")

RunFiles = Iterable[tuple[str, str, str, int, Path]]
BoundFiles = Iterable[tuple[str, str, Path]]


def make_table1(
    metrics: Iterable[tuple[str, str, Path]],
    outputs: Mapping[str, Path],
    counts: Counts | None = None,
    *,
    bounds: BoundFiles = (),
) -> list[Row]:
    """Table I, the pre-trained model not fine-tuned.

    `metrics`: (dataset, test condition, metrics.json); `outputs`: paths by csv, md and/or tex;
    `counts`: how many clips there should be and are, by which the table says how many are missing
    (nothing where they are not given); `bounds`: (dataset, system, metrics.json) of floors and
    ceilings. Returns the rows, in the paper's order, each dataset's floor and ceiling at its end.
    """
    counts = counts or {}
    found = {(dataset, condition): path for dataset, condition, path in metrics}
    rows = []
    for dataset, condition in ordered(found, CONDITIONS1):
        row = {"dataset": dataset, "test_condition": condition}
        row |= measured(found[dataset, condition], TABLE1.get((dataset, condition), {}))
        rows.append(row | missing(row, counts))
    bounded = _shown(bounds, rows)
    rows = _with_bounds(rows, bounded, lambda kind: {"test_condition": kind})
    sheet = Sheet(
        label="baselines",
        number="I",
        title="Baselines of the pre-trained AudioLDM, not fine-tuned.",
        notes=_notes(rows, counts, found.values(), bounded),
        heads=["Dataset", "Test condition"],
        metrics=[metric.heading for metric in METRICS.values()],
        grouped=True,
        lines=[_line([dataset_label(r["dataset"]), r["test_condition"]], r) for r in rows],
    )
    write_tables(outputs, COLUMNS1, rows, [sheet])
    return rows


def make_table2(
    metrics: RunFiles,
    outputs: Mapping[str, Path],
    counts: Counts | None = None,
    *,
    select_by: str,
    select_on: Sequence[str] = SELECT_ON[:1],
    validation: RunFiles = (),
    bounds: BoundFiles = (),
) -> list[Row]:
    """Table II, fine-tuned and from scratch, each run at its best step.

    `metrics`: (dataset, initialisation, training condition, step, metrics.json); `validation`: the
    same of validation.json. A run has a row for each split of `select_on` (see `best_step`). The
    rest: as of Table I. UserError for an unknown metric or split.
    """
    counts = counts or {}
    check_choice(select_by, select_on)
    runs, losses = _by_run(metrics), _by_run(validation)
    rows, chosen = [], []
    for key in ordered(runs, INITIALISATIONS, CONDITIONS2):
        trained = counts[key[0]]["train"].missing if key[0] in counts else None
        for split in select_on:
            step = best_step(runs[key], losses.get(key, {}), select_on=split, select_by=select_by)
            path = runs[key][step]
            row = _row2(key, step, path, split, select_by)
            rows.append(row | missing(row, counts) | {"train_missing": trained})
            chosen.append(path)
    bounded = _shown(bounds, rows)
    rows = _with_bounds(rows, bounded, _bound2)
    several = len(select_on) > 1
    sheet = Sheet(
        label="strategies",
        number="II",
        title=f"Comparison of pre-training strategies. {_choice(select_by, select_on)}",
        notes=_notes(rows, counts, chosen, bounded),
        heads=["Dataset", "Pretrained", "Trained on", *["Chosen on"] * several, "Train steps"],
        metrics=[metric.heading for metric in METRICS.values()],
        grouped=True,
        numbers=1,
        lines=[_line(_lead2(row, several), row) for row in rows],
    )
    write_tables(outputs, COLUMNS2, rows, [sheet])
    return rows


# ------------------------------------------------------------------------------ the rows
def _by_run(files: RunFiles) -> dict[tuple[str, str, str], dict[int, Path]]:
    """Files by step, by run."""
    runs: dict[tuple[str, str, str], dict[int, Path]] = {}
    for dataset, init, condition, step, path in files:
        runs.setdefault((dataset, init, condition), {})[int(step)] = path
    return runs


def _row2(key: tuple[str, str, str], step: int, path: Path, select_on: str, select_by: str) -> Row:
    dataset, init, condition = key
    paper = TABLE2.get(key, {})
    row: Row = {"dataset": dataset, "pretrained": "yes" if init == "pretrained" else "no"}
    row |= {"train_condition": condition, "train_steps": step}
    row |= {"paper_train_steps": paper.get("train_steps"), "selected_on": select_on}
    row |= {"selected_by": select_by if select_on == "evaluation" else LOSS}
    return row | measured(path, paper)


def _bound2(kind: str) -> Row:
    """What stands in a floor's or ceiling's row of Table II before the values."""
    row: Row = dict.fromkeys(["pretrained", "train_steps", "paper_train_steps"])
    row |= {"train_condition": kind, "train_missing": None}
    return row | dict.fromkeys(["selected_on", "selected_by"])


def _shown(bounds: BoundFiles, rows: Sequence[Row]) -> dict[str, Bounds]:
    """Floors and ceilings of the datasets that have rows."""
    datasets = {row["dataset"] for row in rows}
    return {d: files for d, files in by_dataset(bounds).items() if d in datasets}


def _with_bounds(
    rows: Sequence[Row], bounds: Mapping[str, Bounds], lead: Callable[[str], Row]
) -> list[Row]:
    """Each dataset's rows, then its floor and ceiling."""
    found = []
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        found += [row for row in rows if row["dataset"] == dataset]
        for row in bound_rows(bounds.get(dataset, {})):
            found.append({"dataset": dataset} | lead(str(row["kind"])) | row)
    return found


# ----------------------------------------------------------------------------- for reading
def _line(lead: list[str], row: Row) -> Line:
    n = "" if row["n"] is None else clips_label(row["n"], row["missing"])
    return Line(lead, [_cell(row, m) for m in METRICS], n, bound=row["kind"] != "system")


def _cell(row: Row, metric: str) -> Cell:
    """Our value, the paper's and the interval."""
    paper = row[f"paper_{metric}"]
    around = span(row[f"{metric}_low"], row[f"{metric}_high"])
    return Cell(fixed(row[metric]), "" if paper is None else f"({paper:.2f})", around)


def _lead2(row: Row, several: bool) -> list[str]:
    steps = "" if row["train_steps"] is None else steps_label(row["train_steps"])
    if row["paper_train_steps"] is not None:
        steps += f" ({steps_label(row['paper_train_steps'])})"
    pretrained = row["pretrained"] or ""
    lead = [dataset_label(row["dataset"]), pretrained, row["train_condition"]]
    return [*lead, *[row["selected_on"] or ""] * several, steps]


def _choice(select_by: str, select_on: Sequence[str]) -> str:
    metric = METRICS[select_by]
    which = "highest" if metric.higher_is_better else "lowest"
    told = {
        "evaluation": f"the {which} {metric.label} on the evaluation set itself, as in the paper",
        "validation": "the lowest denoising loss on the validation split",
    }
    steps = " and at the step with ".join(told[split] for split in select_on)
    return f"Each run is shown at the step with {steps}; evaluated with text as the condition."


def _notes(
    rows: Sequence[Row], counts: Counts, files: Iterable[Path], bounds: Mapping[str, Bounds]
) -> str:
    systems = [row for row in rows if row["kind"] == "system"]
    floors = {dataset: own[FLOOR] for dataset, own in bounds.items() if FLOOR in own}
    parts = [*notes.about(systems), notes.intervals(files), note(floors)]
    return " ".join([*filter(None, parts), *notes.missing_clips(systems, counts)])
