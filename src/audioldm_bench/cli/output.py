"""metrics.json and metrics.csv, comparison.json and comparison.csv."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from audioldm_bench.errors import UserError
from audioldm_bench.files import read_json, write_atomically, write_json
from audioldm_bench.metrics.registry import VARIANTS, parse_name

CSV = ("metric", "label", "backbone", "better", "value", "low", "high", "level", "n", "left_out")
EVALUATED = (*CSV, "generated", "reference", "clip_list_sha256", "weights_sha256")
COMPARED = ("system", "rank", *CSV, "difference", "difference_low", "difference_high")
COMPARED += ("beyond_chance", "folder", "reference", "clip_list_sha256", "weights_sha256")


def check_folder(folder: Path) -> None:
    """UserError if `folder` could not be made, or written to. Called before the work; the folder is
    made with its first file."""
    there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    if not there.is_dir():
        where = "is" if there == folder else f"{there} is"
        raise UserError(f"--out {folder}: {where} a file; name a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UserError(f"--out {folder}: {there} cannot be written to; name another folder")


def default_folder(file: str, **folders: Path) -> Path:
    """`<name of the first folder>-<file's stem>` here; UserError if it holds results of others."""
    out = Path(f"{next(iter(folders.values())).resolve().name or 'root'}-{Path(file).stem}")
    if not (out / file).is_file():
        return out
    try:
        before = read_json(out / file)["folders"]
        others = [
            before[key] for key, path in folders.items() if before[key] != str(path.resolve())
        ]
    except (ValueError, KeyError, TypeError):
        others = ["something else"]
    if others:
        raise UserError(
            f"{out / file} is of {others[0]}; name another folder for these results by --out"
        )
    return out


def write_evaluation(record: Mapping, out: Path) -> list[Path]:
    """Writes both files; returns their paths."""
    write_json(out / "metrics.json", record)
    folders = record["folders"]
    both = {"generated": folders["generated"], "reference": folders["reference"]}
    weights = _weights(record["features"]["reference"])
    rows = [row | both | weights(row) for row in _rows(record, record)]
    rows += [
        _named(name) | both | {"left_out": reason} for name, reason in record["left_out"].items()
    ]
    write_csv(out / "metrics.csv", EVALUATED, rows)
    return [out / "metrics.json", out / "metrics.csv"]


def write_comparison(record: Mapping, out: Path) -> list[Path]:
    """Writes both files; returns their paths. The csv has a row a system and metric."""
    write_json(out / "comparison.json", record)
    folders, rows = record["folders"], []
    weights = _weights(record["features"])
    for name, system in record["systems"].items():
        place = {"system": name, "rank": system["rank"], "folder": folders["systems"][name]}
        place |= {"reference": folders["reference"]}
        for row in _rows(system, record):
            behind = system["behind"].get(row["metric"]) or {}
            more = {"difference": behind.get("difference")}
            more |= {f"difference_{end}": behind.get(end) for end in ("low", "high")}
            more["beyond_chance"] = behind.get("beyond_chance")
            rows.append(row | place | more | weights(row))
    write_csv(out / "comparison.csv", COMPARED, rows)
    return [out / "comparison.json", out / "comparison.csv"]


def _named(name: str) -> dict:
    variant, backbone = parse_name(name)
    kind = VARIANTS[variant]
    better = "higher" if kind.higher_is_better else "lower"
    return {"metric": name, "label": kind.label, "backbone": backbone, "better": better}


def _rows(scored: Mapping, record: Mapping) -> list[dict]:
    """A row for each of `scored`["values"]."""
    common = {"clip_list_sha256": record["clip_list_sha256"]}
    rows = []
    for name, found in scored["values"].items():
        row = _named(name) | common | {key: found.get(key) for key in ("value", "low", "high")}
        row["n"] = found.get("n", scored.get("n", record["n"]))
        row["level"] = record["interval"]["level"] if found.get("low") is not None else None
        rows.append(row)
    return rows


def _weights(features: Mapping[str, Mapping]):
    def of(row: Mapping) -> dict:
        return {"weights_sha256": features.get(row["backbone"], {}).get("weights_sha256")}

    return of


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Mapping]) -> None:
    """An empty cell where a row has no value; numbers in full precision."""
    from audioldm_bench.typeset import csv_text

    text = csv_text(columns, [{column: row.get(column) for column in columns} for row in rows])
    with write_atomically(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")
