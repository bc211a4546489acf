"""AudioSet: the segment tables and class_labels_indices.csv, sound in audio/Y<youtube id>.wav.

A clip's caption is the display names of its labels, joined by ", ".
"""

from __future__ import annotations

from pathlib import Path

from audioldm_bench.datasets.layout import find_table
from audioldm_bench.datasets.manifest import Clip
from audioldm_bench.datasets.naming import clip_ids
from audioldm_bench.datasets.youtube_clips import (
    CLASS_TABLE,
    Segment,
    audio_paths,
    display_names,
    segment_rows,
)
from audioldm_bench.errors import UserError

TABLES = {
    "balanced_train_segments.csv": "train",
    "unbalanced_train_segments.csv": "train",
    "eval_segments.csv": "evaluation",
}


def _tables(root: Path) -> dict[Path, str]:
    found = {find_table(root, (name,), required=False): split for name, split in TABLES.items()}
    found.pop(None, None)
    if not found:
        raise UserError(f"{root}: none of {', '.join(TABLES)} is in it; set `folder` to AudioSet")
    return found


def scan(root: Path, dataset_config: dict) -> list[Clip]:
    """All clips of the segment tables that are there, in the dataset's own splits."""
    tables = _tables(root)
    class_table = find_table(root, (CLASS_TABLE,))
    names = display_names(class_table)
    found: dict[str, tuple[str, list[str]]] = {}
    for table, split in tables.items():
        for piece, mids in segment_rows(table):
            unknown = [mid for mid in mids if mid not in names]
            if unknown:
                raise UserError(
                    f"{table}: the label {unknown[0]} of {piece.youtube_id} is not in"
                    f" {class_table}; take both files from the same release of AudioSet"
                )
            if piece.youtube_id in found:
                raise UserError(f"{table}: the clip {piece.youtube_id} stands in the tables twice")
            found[piece.youtube_id] = (split, [names[mid] for mid in mids])
    ids = list(found)
    files = audio_paths(next(iter(tables)).parent, root, ids)
    return [
        Clip(
            clip_id=clip_id,
            file=file,
            caption=", ".join(found[name][1]),
            label=";".join(found[name][1]),
            group=name,
            split=found[name][0],
        )
        for clip_id, file, name in zip(clip_ids([f"Y{n}" for n in ids]), files, ids, strict=True)
    ]


def segments(root: Path) -> dict[str, Segment]:
    """Where each clip lies in its video, by YouTube id."""
    return {piece.youtube_id: piece for table in _tables(root) for piece, _ in segment_rows(table)}
