"""UrbanSound8K in its original layout: metadata/UrbanSound8K.csv, audio/fold1 to fold10."""

from __future__ import annotations

from pathlib import Path

from audioldm_bench.datasets.csvfiles import filled_rows
from audioldm_bench.datasets.layout import find_table
from audioldm_bench.datasets.manifest import Clip
from audioldm_bench.datasets.naming import clip_ids, words


def scan(root: Path, dataset_config: dict) -> list[Clip]:
    """All clips of the table, without a split; the group is the Freesound recording (fsID).

    The table's start and end are places in that recording, not in the clip: they are not ours.
    """
    table = find_table(root, ("metadata/UrbanSound8K.csv", "UrbanSound8K.csv"))
    columns = ("slice_file_name", "fsID", "fold", "class")
    rows = [row for _, row in filled_rows(table, columns, unique="slice_file_name")]
    home = table.parent.parent if table.parent.name == "metadata" else table.parent
    audio = (home / "audio").relative_to(root)
    files = [(audio / f"fold{row['fold']}" / row["slice_file_name"]).as_posix() for row in rows]
    return [
        Clip(
            clip_id=clip_id,
            file=file,
            caption=words(row["class"]),
            label=words(row["class"]),
            group=row["fsID"],
            fold=row["fold"],
        )
        for clip_id, file, row in zip(clip_ids(files), files, rows, strict=True)
    ]
