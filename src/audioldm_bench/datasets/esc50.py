"""ESC-50 in its original layout: meta/esc50.csv, audio/*.wav (the archive's own folder or not)."""

from __future__ import annotations

from pathlib import Path

from audioldm_bench.datasets.csvfiles import filled_rows
from audioldm_bench.datasets.layout import find_table
from audioldm_bench.datasets.manifest import Clip
from audioldm_bench.datasets.naming import clip_ids, words


def scan(root: Path, dataset_config: dict) -> list[Clip]:
    """All clips of the table, without a split; the group is the Freesound recording (src_file)."""
    table = find_table(root, ("meta/esc50.csv", "esc50.csv"))
    columns = ("filename", "fold", "category", "src_file")
    rows = [row for _, row in filled_rows(table, columns, unique="filename")]
    home = table.parent.parent if table.parent.name == "meta" else table.parent
    audio = (home / "audio").relative_to(root)
    files = [(audio / row["filename"]).as_posix() for row in rows]
    return [
        Clip(
            clip_id=clip_id,
            file=file,
            caption=words(row["category"]),
            label=words(row["category"]),
            group=row["src_file"],
            fold=row["fold"],
        )
        for clip_id, file, row in zip(clip_ids(files), files, rows, strict=True)
    ]
