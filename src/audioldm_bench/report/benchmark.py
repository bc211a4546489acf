"""The benchmark table: all systems of a dataset by rank, with every metric."""

from __future__ import annotations

from collections.abc import Sequence

from ..labels import METRICS, RUNS, dataset_label, metric_of
from ..metrics.registry import parse_name
from ..tables.bounds import NOISE, SHUFFLED
from ..typeset import fixed, shown
from .provenance import VERSIONS
from .results import (
    SOURCES,
    Computed,
    Row,
    Written,
    around,
    is_bound,
    system_of,
    value_cell,
    versions,
)


def rankings(rows: Sequence[Row], computed: Computed | None = None) -> list[dict]:
    """A table a dataset: headings of the metrics, rows of cells with their sort keys, popovers.

    `computed`: as of `results.table_context`.
    """
    keys = [column.removesuffix("_name") for column in (rows[0] if rows else {})
            if column.endswith("_name")]  # fmt: skip
    found = []
    for number, dataset in enumerate(dict.fromkeys(row["dataset"] for row in rows)):
        own = [row for row in rows if row["dataset"] == dataset]
        names = {key: own[0][f"{key}_name"] for key in keys if own[0][f"{key}_name"]}
        paper = [key for key in METRICS if key in names]
        others = [key for key, full in names.items() if key == full]
        by = next(key for key, full in names.items() if full == own[0]["rank_by"])
        found.append(
            {
                "name": dataset_label(dataset),
                "n": max(int(row["n"]) for row in own),
                "by": metric_of(names[by]).label,
                "by_name": names[by],
                "metrics": [_heading(names[key]) for key in paper],
                "others": [_heading(full) for full in others],
                "rows": [
                    _row(f"benchmark-{number}-{place}", row, paper, others, by, computed or {})
                    for place, row in enumerate(own)
                ],
            }
        )
    return found


def _heading(full: str) -> dict:
    metric = metric_of(full)
    return {
        "heading": metric.heading,
        "name": full,
        "backbone": parse_name(full)[1],
        "better": "higher" if metric.higher_is_better else "lower",
    }


def _row(
    name: str,
    row: Row,
    paper: Sequence[str],
    others: Sequence[str],
    by: str,
    computed: Computed,
) -> dict:
    # these values come from a job of their own: what computed the tables' is not said of them
    how = computed.get((row["dataset"], system_of(row)), [])
    how = [(label, text) for label, text in how if label != VERSIONS]
    return {
        "id": name,
        "rank": row["rank"],
        "name": row["label"],
        "title": f"{dataset_label(row['dataset'])}, {row['label']}",
        "n": row["n"],
        "bound": is_bound(row),
        "values": [value_cell(key, row) for key in paper],
        "others": [value_cell(key, row, shown) for key in others],
        "behind": _behind(row, by, fixed if by in paper else shown),
        "sources": _sources(row, [*paper, *others]) + how,
    }


def _behind(row: Row, key: str, written: Written) -> dict:
    """The difference to the first, and whether it is beyond chance."""
    value = row[f"{key}_behind"]
    if not value:
        return {"text": "", "sort": "", "interval": "", "beyond": ""}
    text = f"{'+' if float(value) > 0 else ''}{written(float(value))}".replace("-", "−")
    interval = around(f"{key}_behind", row, written)
    beyond = row[f"{key}_beyond_chance"]
    return {"text": text, "sort": value, "interval": interval, "beyond": beyond}


def _sources(row: Row, keys: Sequence[str]) -> list[tuple[str, str]]:
    """Provenance, then each metric under its full name with its difference to the first."""
    steps = _steps(row)
    about = row | {"train_steps": steps, "selected_by": row["selected_by"] if steps else ""}
    found = [("Folder", _folder(row)), *((label, about.get(key)) for label, key in SOURCES)]
    found = [(label, value) for label, value in found if value] + versions(row)
    for key in keys:
        written = fixed if key in METRICS else shown
        value = value_cell(key, row, written)
        words = [value["text"], f"({value['interval']})" if value["interval"] else ""]
        gap = _behind(row, key, written)
        words += [f"{gap['text']} against the first"] if gap["text"] else []
        words += [f"({gap['interval']})"] if gap["interval"] else []
        found.append((row[f"{key}_name"], " ".join(filter(None, words))))
    return found


def _steps(row: Row) -> str:
    """The training steps of a run's checkpoint; of what was not chosen among checkpoints none."""
    run, _, step = row["system"].rpartition("-")
    return str(int(step)) if tuple(run.split("-")) in RUNS else ""


def _folder(row: Row) -> str:
    """Where the clips are; the ceiling's are in two folders."""
    shuffled = f"{SHUFFLED} where pairs of clips are compared"
    return f"{NOISE}; {shuffled}" if row["system"] == "ceiling" else row["system"]
