"""What AudioCaps and AudioSet share: clips named by a YouTube id, sound in audio/Y<id>.wav."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from audioldm_bench.datasets.csvfiles import read_rows, read_text
from audioldm_bench.datasets.layout import sound_files
from audioldm_bench.errors import UserError

CLASS_TABLE = "class_labels_indices.csv"


@dataclass(frozen=True)
class Segment:
    """A piece of a video; `start` and `end` in s of the video, not of the clip's own file."""

    youtube_id: str
    start: float
    end: float

    @property
    def clip_id(self) -> str:
        return f"Y{self.youtube_id}"


def segment(table: Path, row: int, youtube_id: str, start: str, end: str) -> Segment:
    """A checked segment. UserError on a time that is no number, or an end before the start."""
    try:
        found = Segment(youtube_id, float(start), float(end))
    except ValueError:
        raise UserError(f"{table}: row {row}: {start!r} or {end!r} is no time in s") from None
    if not youtube_id or not found.end > found.start >= 0:
        raise UserError(f"{table}: row {row}: the id is missing, or the end is not after the start")
    return found


def audio_paths(home: Path, root: Path, youtube_ids: list[str]) -> list[str]:
    """The file of each clip relative to `root`: Y<id> or <id> with any ending that we read, in
    `home`/audio or below it; audio/Y<id>.wav where there is none."""
    there = sound_files(home / "audio", root)
    audio = (home / "audio").relative_to(root)
    return [
        there.get(f"Y{name}") or there.get(name) or (audio / f"Y{name}.wav").as_posix()
        for name in youtube_ids
    ]


def display_names(table: Path) -> dict[str, str]:
    """AudioSet's display names by class id (mid), from class_labels_indices.csv."""
    return {row["mid"]: row["display_name"] for row in read_rows(table, ("mid", "display_name"))}


def segment_rows(table: Path) -> list[tuple[Segment, list[str]]]:
    """Segments and label ids of one of AudioSet's segment tables (# lines are comments)."""
    lines = [line for line in read_text(table).splitlines() if line.strip()]
    body = [line for line in lines if not line.startswith("#")]
    rows = []
    for number, cells in enumerate(csv.reader(body, skipinitialspace=True), start=1):
        if len(cells) != 4 or not cells[3]:
            raise UserError(
                f"{table}: row {number} below the comments is not of YTID, start_seconds,"
                " end_seconds, positive_labels; download the table again"
            )
        name, start, end, labels = (cell.strip() for cell in cells)
        rows.append((segment(table, number, name, start, end), labels.split(",")))
    if not rows:
        raise UserError(f"{table}: the table has no rows; download it again")
    return rows
