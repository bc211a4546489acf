"""AudioCaps: train.csv, val.csv, test.csv (its repository's), sound in audio/Y<youtube_id>.wav.

The clips are 10 s long from `start_time` of the video on; their files hold these 10 s alone.
"""

from __future__ import annotations

from pathlib import Path

from audioldm_bench.datasets.csvfiles import filled_rows
from audioldm_bench.datasets.layout import find_table
from audioldm_bench.datasets.manifest import Clip
from audioldm_bench.datasets.naming import clip_ids
from audioldm_bench.datasets.youtube_clips import Segment, audio_paths, segment
from audioldm_bench.errors import UserError

DURATION = 10.0  # s
TABLES = {"train.csv": "train", "val.csv": "validation", "test.csv": "evaluation"}
_COLUMNS = ("youtube_id", "start_time", "caption")


def _tables(root: Path) -> dict[Path, str]:
    """The tables that are there, with the split of each; one at least."""
    found = {find_table(root, (name,), required=False): split for name, split in TABLES.items()}
    found.pop(None, None)
    if not found:
        raise UserError(f"{root}: none of {', '.join(TABLES)} is in it; set `folder` to AudioCaps")
    return found


def _rows(table: Path, split: str) -> list[tuple[int, dict[str, str]]]:
    """A study can do without validation clips, but not without the others of a table."""
    return filled_rows(table, _COLUMNS, may_be_empty=split == "validation")


def scan(root: Path, dataset_config: dict) -> list[Clip]:
    """All clips in the dataset's own splits, with the first caption that the table has for each.

    Validation and test clips have five captions each; the authors' list (`evaluation_list`)
    chooses one of them. UserError when a clip stands in two splits.
    """
    tables = _tables(root)
    first: dict[str, tuple[str, str]] = {}
    for table, split in tables.items():
        for number, row in _rows(table, split):
            name = row["youtube_id"]
            if first.setdefault(name, (split, row["caption"]))[0] != split:
                other = f"the {first[name][0]} table"
                raise UserError(f"{table}: row {number}: the clip {name} is in {other} too")
    names = list(first)
    files = audio_paths(next(iter(tables)).parent, root, names)
    ids = clip_ids([f"Y{name}" for name in names])
    return [
        Clip(clip_id=clip_id, file=file, caption=first[n][1], group=n, split=first[n][0])
        for clip_id, file, n in zip(ids, files, names, strict=True)
    ]


def segments(root: Path) -> dict[str, Segment]:
    """Where each clip lies in its video, by YouTube id."""
    found: dict[str, Segment] = {}
    for table, split in _tables(root).items():
        for number, row in _rows(table, split):
            name, start = row["youtube_id"], row["start_time"]
            piece = segment(table, number, name, start, f"{_number(start) + DURATION}")
            found.setdefault(name, piece)
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0  # `segment` refuses the row and names it
