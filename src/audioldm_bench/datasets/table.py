"""A user's own dataset: a csv with the columns file, caption and/or label, and split and/or fold.

Further columns: `group` names the recording that a clip is cut from (the file where there is no
such column); others are ignored. The config's `table` is the csv's path relative to `folder`, or
to a folder in it, as archives unpack (default metadata.csv); files are named relative to `folder`,
or to the csv's own folder.
"""

from __future__ import annotations

import os
from pathlib import Path

from audioldm_bench.datasets.csvfiles import read_numbered_rows
from audioldm_bench.datasets.layout import find_table
from audioldm_bench.datasets.manifest import Clip
from audioldm_bench.datasets.naming import clip_ids, words
from audioldm_bench.errors import UserError

DEFAULT_TABLE = "metadata.csv"
_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "evaluation",
    "eval": "evaluation",
    "evaluation": "evaluation",
    "": "",
}


def scan(root: Path, dataset_config: dict) -> list[Clip]:
    """All rows of the csv. UserError names the file, the row and the cure."""
    root = Path(root)
    name = dataset_config.get("table") or DEFAULT_TABLE
    table = find_table(root, (name,), required=False)
    if table is None:
        raise UserError(
            f"{root / name}: there is no such table; set the dataset's `table` to the path of its"
            f" csv relative to `folder` ({root})"
        )
    cure = "a table has the columns file, caption, label, split"
    rows = read_numbered_rows(table, ("file",), cure)
    if not {"caption", "label"} & set(rows[0][1]):
        raise UserError(f"{table}: the columns `caption` and `label` are missing; add one of them")
    files = {number: _file(root, table, row["file"]) for number, row in rows}
    _refuse_twice(table, files)
    ids = clip_ids(list(files.values()))
    return [
        _clip(table, number, clip_id, files[number], row)
        for clip_id, (number, row) in zip(ids, rows, strict=True)
    ]


def _file(root: Path, table: Path, name: str) -> str:
    """`name` relative to the root; one beside the table is taken when the root has none."""
    if not name or (root / name).is_file() or not (table.parent / name).is_file():
        return Path(name).as_posix()
    return Path(os.path.relpath(table.parent / name, root)).as_posix()


def _refuse_twice(table: Path, files: dict[int, str]) -> None:
    rows: dict[str, int] = {}
    for number, file in files.items():
        if rows.setdefault(file, number) != number:
            raise UserError(
                f"{table}: {file} stands in rows {rows[file]} and {number};"
                " keep one row, with one caption, a file"
            )


def _clip(table: Path, number: int, clip_id: str, file: str, row: dict[str, str]) -> Clip:
    label = row.get("label", "")
    caption = row.get("caption", "") or ", ".join(words(one) for one in label.split(";") if one)
    if not row["file"] or not caption:
        raise UserError(f"{table}: row {number} has no file, or neither caption nor label; fill it")
    split = _SPLITS.get(row.get("split", "").lower())
    if split is None:
        raise UserError(
            f"{table}: row {number}: the split {row['split']!r} is unknown;"
            f" one of {', '.join(name for name in _SPLITS if name)}, or blank"
        )
    return Clip(
        clip_id=clip_id,
        file=file,
        caption=caption,
        label=label,
        group=row.get("group", "") or file,
        fold=row.get("fold", ""),
        split=split,
    )
