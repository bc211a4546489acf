"""The datasets that can be read, by the name that the config's `adapter` gives them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from audioldm_bench.datasets import audiocaps, audioset, esc50, table, urbansound8k
from audioldm_bench.datasets.layout import find_table
from audioldm_bench.datasets.lists import apply_list
from audioldm_bench.datasets.manifest import Clip
from audioldm_bench.datasets.youtube_clips import CLASS_TABLE, Segment, display_names
from audioldm_bench.errors import UserError

ADAPTERS: dict[str, Callable[[Path, dict], list[Clip]]] = {
    "esc50": esc50.scan,
    "urbansound8k": urbansound8k.scan,
    "audiocaps": audiocaps.scan,
    "audioset": audioset.scan,
    "table": table.scan,
}
_SEGMENTS = {"audiocaps": audiocaps.segments, "audioset": audioset.segments}


def scan_dataset(root: Path, dataset_config: dict) -> list[Clip]:
    """All clips that the dataset's tables name, its evaluation_list applied, sorted by clip id.

    The sound files need not be there. UserError names file, key and cure.
    """
    root = Path(root)
    name = dataset_config.get("adapter")
    if name not in ADAPTERS:
        raise UserError(f"adapter: {name!r} is unknown; one of {', '.join(ADAPTERS)}")
    clips = sorted(ADAPTERS[name](root, dataset_config), key=lambda clip: clip.clip_id)
    chosen = dataset_config.get("evaluation_list")
    if not chosen:
        return clips
    kind = dataset_config["split"]["kind"]
    if kind != "official":
        raise UserError(
            f"evaluation_list and split.kind: {kind} both choose the evaluation clips of {root};"
            " set split.kind to official, or evaluation_list to null"
        )
    classes = find_table(root, (CLASS_TABLE,), required=False)
    return apply_list(clips, Path(chosen), display_names(classes) if classes else None)


def wanted_segments(root: Path, dataset_config: dict) -> list[Segment]:
    """The pieces of videos that the dataset's splits use: what there is to fetch, and no more."""
    name = dataset_config.get("adapter")
    if name not in _SEGMENTS:
        raise UserError(f"adapter: {name!r} has no sound on YouTube; {', '.join(_SEGMENTS)} have")
    pieces = _SEGMENTS[name](Path(root))
    return [pieces[clip.group] for clip in scan_dataset(root, dataset_config)]
