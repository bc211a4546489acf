"""The benchmark table: all systems of a dataset on the same clips, ranked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..files import read_json
from ..labels import METRICS, dataset_label, metric_of, paper_order, system_label
from ..typeset import Cell, Line, Sheet, fixed, shown, span, write_tables
from .bounds import FLOOR, KINDS, NOISE, SHUFFLED, merged
from .notes import interval_words
from .rows import PROVENANCE, Row

LEAD = ["dataset", "rank", "system", "label", "kind", "n"]
ENDS = ("low", "high")
BEHIND = ("behind", "behind_low", "behind_high", "beyond_chance")
MARK = "*"  # of a difference beyond chance


def make_benchmark_table(
    comparisons: Mapping[str, Path],
    outputs: Mapping[str, Path],
    *,
    labels: Mapping[str, str] | None = None,
) -> list[Row]:
    """The benchmark table from the comparison.json of each dataset.

    `outputs`: paths by csv, md and/or tex; `labels`: how other people's systems are written, by
    name. Returns the rows: of each dataset, in the paper's order, the systems by rank, then floor
    and ceiling.
    """
    labels = labels or {}
    records = {d: _in_order(read_json(comparisons[d])) for d in paper_order(comparisons)}
    keys = list(dict.fromkeys(key for record in records.values() for key in record["names"]))
    rows, sheets = [], []
    for dataset, record in records.items():
        own = _rows(dataset, record, keys, labels)
        rows += own
        sheets += _sheets(dataset, record, own)
    write_tables(outputs, columns(keys), rows, sheets)
    return rows


def _in_order(record: dict) -> dict:
    """With "names" in the order of the metrics; a JSON file sorts them."""
    order = record["metrics"].index
    names = sorted(record["names"].items(), key=lambda item: order(item[1]))
    return record | {"names": dict(names)}


def columns(keys: Sequence[str]) -> list[str]:
    """Of the csv; `keys` are the metrics' short names."""
    found = [*LEAD, *keys]
    found += [f"{key}_{end}" for key in keys for end in ENDS]
    found += [f"{key}_{end}" for key in keys for end in BEHIND]
    found += ["rank_by", "selected_by", "clip_list_sha256"]
    return [*found, *(f"{key}_name" for key in keys), *PROVENANCE]


# ------------------------------------------------------------------------------ the rows
def _rows(dataset: str, record: Mapping, keys: Sequence[str], labels: Mapping) -> list[Row]:
    systems = record["systems"]
    ranked = sorted((n for n in systems if systems[n]["rank"]), key=lambda n: systems[n]["rank"])
    rows = []
    for name in ranked:
        lead = {"dataset": dataset, "rank": systems[name]["rank"], "system": name}
        lead |= {"label": labels.get(name) or system_label(name), "kind": "system"}
        rows.append(lead | _values(record, systems[name], keys))
    values = {n: systems[n]["values"] for n in (FLOOR, NOISE, SHUFFLED) if n in systems}
    for kind, main in zip(KINDS, (FLOOR, NOISE), strict=True):
        if main in systems:
            own = systems[main] | {"values": merged(values, kind)}
            lead = {"dataset": dataset, "rank": None, "system": kind, "label": kind, "kind": kind}
            rows.append(lead | _values(record, own, keys))
    return rows


def _values(record: Mapping, system: Mapping, keys: Sequence[str]) -> Row:
    """Of one system: values, intervals and differences by short name, and where they come from."""
    row: Row = {"n": system["n"]}
    for key in keys:
        full = record["names"].get(key)
        value = system["values"].get(full, {})
        behind = system["behind"].get(full, {})
        row |= {key: value.get("value"), f"{key}_name": full}
        row |= {f"{key}_{end}": value.get(end) for end in ENDS}
        row |= {f"{key}_behind": behind.get("difference")}
        row |= {f"{key}_behind_{end}": behind.get(end) for end in ENDS}
        beyond = behind.get("beyond_chance")
        row[f"{key}_beyond_chance"] = None if beyond is None else "yes" if beyond else "no"
    shared = ("rank_by", "selected_by", "clip_list_sha256")
    row |= {key: record.get(key) for key in shared}
    return row | {key: system.get("provenance", {}).get(key) for key in PROVENANCE}


# ----------------------------------------------------------------------------- for reading
def _sheets(dataset: str, record: Mapping, rows: Sequence[Row]) -> list[Sheet]:
    """Of one dataset: the paper's metrics with ranks, then the other metrics, if there are any."""
    names = record["names"]
    by = next(key for key, full in names.items() if full == record["rank_by"])
    paper = [key for key in METRICS if key in names]
    main = Sheet(
        label=f"benchmark-{dataset}",
        title=f"{dataset_label(dataset)}: all systems on the same {record['n']} clips.",
        notes=_notes(record, by, [names[key] for key in paper], rows),
        heads=["Rank", "System"],
        metrics=[*(METRICS[key].heading for key in paper), f"{metric_of(names[by]).label} behind"],
        lines=[
            _line(row, [*(_cell(row, key, fixed) for key in paper), _behind(row, by)])
            for row in rows
        ],
    )
    others = [key for key, full in names.items() if key == full]
    return [main, _more(dataset, others, rows)] if others else [main]


def _more(dataset: str, others: Sequence[str], rows: Sequence[Row]) -> Sheet:
    """The metrics beyond the paper's; letters stand for their long names."""
    letters = dict(zip(others, "abcdefghijklmnopqrstuvwxyz" * len(others), strict=False))
    legend = "; ".join(f"({letter}) {full}" for full, letter in letters.items())
    return Sheet(
        label=f"benchmark-{dataset}-more",
        title=f"{dataset_label(dataset)}: the same clips by other metrics.",
        notes=f"{legend}.",
        heads=["Rank", "System"],
        metrics=[f"{metric_of(full).heading} ({letter})" for full, letter in letters.items()],
        lines=[_line(row, [_cell(row, full, shown) for full in others]) for row in rows],
    )


def _notes(record: Mapping, by: str, used: Sequence[str], rows: Sequence[Row]) -> str:
    label = metric_of(record["names"][by]).label
    words = [f"Metrics: {', '.join(dict.fromkeys(used))}.", interval_words(record["interval"])]
    words.append(
        f"{label} behind: the difference to the first; {MARK} beyond chance: its interval, from "
        "the same halves of both, leaves out 0. Floor and ceiling have no rank."
    )
    lacking = [
        f"{row['label']} {count}"
        for row in rows
        if row["kind"] == "system" and (count := _lacks(record["left_out"][row["system"]]))
    ]
    words += [f"Clips lacking: {', '.join(lacking)}."] if lacking else []
    return " ".join(filter(None, words))


def _lacks(left_out: Mapping) -> int:
    """Clips of the reference that a system does not have, or that were set aside."""
    return len(left_out["missing_generated"]) + len(left_out["rejected_generated"])


def _line(row: Row, cells: list[Cell]) -> Line:
    rank = "" if row["rank"] is None else str(row["rank"])
    return Line([rank, str(row["label"])], cells, str(row["n"]), bound=row["kind"] != "system")


def _cell(row: Row, key: str, written: Callable[[float | None], str]) -> Cell:
    return Cell(written(row[key]), interval=span(row[f"{key}_low"], row[f"{key}_high"], written))


def _behind(row: Row, key: str) -> Cell:
    value = row[f"{key}_behind"]
    if value is None:
        return Cell("")
    mark = MARK if row[f"{key}_beyond_chance"] == "yes" else ""
    around = span(row[f"{key}_behind_low"], row[f"{key}_behind_high"])
    return Cell(f"{value:+.2f}{mark}", interval=around)
