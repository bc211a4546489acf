"""The authors' evaluation lists (haoheliu/audioldm_eval, `example/`): which clips are evaluated.

A list is JSON: {"data": [{"wav": path, "caption": text (not in AudioSet's), "labels": "mid,mid"}]}.
The stem of `wav` is the clip's id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from audioldm_bench.datasets.csvfiles import read_text
from audioldm_bench.datasets.manifest import Clip
from audioldm_bench.errors import UserError


@dataclass(frozen=True)
class ListedClip:
    """An entry of a list; `caption` and `labels` (AudioSet ids) may be blank."""

    stem: str
    caption: str
    labels: tuple[str, ...]


def read_list(path: Path) -> list[ListedClip]:
    """The entries in their order. UserError when the file is not such a list."""
    shape = 'it should be {"data": [{"wav": ..., "caption": ..., "labels": ...}, ...]}'
    try:
        entries = json.loads(read_text(path, "evaluation list"))["data"]
        listed = [_entry(entry) for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{path}: this is no evaluation list; {shape}") from None
    if not listed:
        raise UserError(f"{path}: the evaluation list is empty; {shape}")
    if len({entry.stem for entry in listed}) < len(listed):
        raise UserError(f"{path}: a clip is in the evaluation list twice; keep one caption a clip")
    return listed


def _entry(entry: dict) -> ListedClip:
    labels = tuple(label for label in entry.get("labels", "").split(",") if label)
    return ListedClip(PurePosixPath(entry["wav"]).stem, entry.get("caption", "").strip(), labels)


def apply_list(
    clips: Sequence[Clip], path: Path, names: Mapping[str, str] | None = None
) -> list[Clip]:
    """The evaluation split becomes the listed clips, with the list's captions where it has them.

    Clips of the dataset's own evaluation split that are not listed are left out, never trained
    on. `names` are display names by AudioSet id, for clips without a label of their own. UserError
    when a listed clip is not in the dataset's tables, or is in its training split.
    """
    listed = {entry.stem: entry for entry in read_list(path)}
    known = {clip.clip_id: clip for clip in clips}
    unknown = [stem for stem in listed if stem not in known]
    trained = [s for s in listed if s in known and known[s].split in {"train", "validation"}]
    if unknown or trained:
        problem = "does not have" if unknown else "uses for training or validation"
        wrong = unknown or trained
        raise UserError(
            f"{path}: {len(wrong)} clips of this evaluation_list are ones that the dataset"
            f" {problem}, {wrong[0]} among them; set evaluation_list to this dataset's list or null"
        )
    kept = []
    for clip in clips:
        entry = listed.get(clip.clip_id)
        if entry is None:
            if clip.split != "evaluation":
                kept.append(replace(clip, split=clip.split or "train"))
            continue
        label = clip.label or ";".join((names or {}).get(mid, mid) for mid in entry.labels)
        caption = entry.caption or clip.caption
        kept.append(replace(clip, split="evaluation", caption=caption, label=label))
    return kept
