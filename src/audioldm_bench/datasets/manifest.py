"""The manifest: one row a clip, the only thing that later stages know of a dataset.

Columns: clip_id (unique, safe as a file name), file (relative to the dataset's root), start and
end (s within the file, or blank for all of it), caption (no template applied), label (";" between
several), group (the recording: its clips must not be on both sides of a split), fold, split
(train | validation | evaluation) and shard.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from audioldm_bench.datasets.csvfiles import read_rows
from audioldm_bench.errors import UserError
from audioldm_bench.files import write_atomically

SPLITS = ("train", "validation", "evaluation")
MISSING_COLUMNS = ("clip_id", "file", "split", "reason")
_SAFE = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Clip:
    """One clip; `split` is blank where the dataset has no split of its own."""

    clip_id: str
    file: str
    start: float | None = None
    end: float | None = None
    caption: str = ""
    label: str = ""
    group: str = ""
    fold: str = ""
    split: str = ""
    shard: int = 0

    @property
    def labels(self) -> list[str]:
        return [label for label in self.label.split(";") if label]


COLUMNS = tuple(field.name for field in fields(Clip))


def write_manifest(path: Path, clips: Iterable[Clip]) -> None:
    """Whole or not at all; the same clips give the same bytes."""
    with write_atomically(path) as draft, open(draft, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for clip in clips:
            row = (getattr(clip, name) for name in COLUMNS)
            writer.writerow("" if value is None else value for value in row)


def read_manifest(path: Path) -> list[Clip]:
    """The clips in the order of the file. UserError on a wrong column, cell or clip_id."""
    rows = read_rows(path, COLUMNS, cure="it is made by the pipeline: delete it and run again")
    clips = [_clip(path, line, row) for line, row in enumerate(rows, start=2)]
    seen: set[str] = set()
    for clip in clips:
        if clip.clip_id in seen:
            raise UserError(f"{path}: the clip_id {clip.clip_id} stands in it twice")
        seen.add(clip.clip_id)
    return clips


def _clip(path: Path, line: int, row: dict[str, str]) -> Clip:
    def seconds(name: str) -> float | None:
        return float(row[name]) if row[name] else None

    try:
        start, end, shard = seconds("start"), seconds("end"), int(row["shard"])
    except ValueError as error:
        raise UserError(
            f"{path}, line {line}: start, end or shard is no number ({error})"
        ) from None
    if not _SAFE.fullmatch(row["clip_id"]) or row["split"] not in SPLITS:
        raise UserError(
            f"{path}, line {line}: clip_id {row['clip_id']!r} or split {row['split']!r} is wrong;"
            f" a clip_id has letters, digits and ._- only, a split is one of {', '.join(SPLITS)}"
        )
    texts = {name: row[name] for name in COLUMNS if name not in {"start", "end", "shard"}}
    return Clip(start=start, end=end, shard=shard, **texts)


def clips_of(
    manifest: Path | Iterable[Clip], *, split: str | None = None, shard: int | None = None
) -> list[Clip]:
    """The clips of a manifest (a path, or clips already read) in one split and one shard."""
    clips = read_manifest(manifest) if isinstance(manifest, (str, Path)) else manifest
    return [
        clip
        for clip in clips
        if split in (None, clip.split) and (shard is None or clip.shard == shard)
    ]


def write_missing(path: Path, rows: Iterable[tuple[str, str, str, str]]) -> None:
    """(clip_id, file, split, reason) of clips that the tables name and that are not there.

    The split is blank in the list of what could not be fetched, which knows of none.
    """
    with write_atomically(path) as draft, open(draft, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(MISSING_COLUMNS)
        writer.writerows(rows)


def read_missing(path: Path) -> dict[str, str]:
    """Reasons by clip_id; a file of no rows is as it should be."""
    cure = "it is made by the pipeline: delete it and run again"
    rows = read_rows(path, ("clip_id", "reason"), cure=cure, may_be_empty=True)
    return {row["clip_id"]: row["reason"] for row in rows}


def missing_splits(path: Path) -> list[str]:
    """The split of each missing clip of a study's missing.csv."""
    cure = "it is made by the pipeline: delete it and run again"
    return [row["split"] for row in read_rows(path, ("split",), cure=cure, may_be_empty=True)]
