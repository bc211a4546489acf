"""How many clips a dataset's splits name, and how many of them a study could use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audioldm_bench.datasets.manifest import SPLITS, missing_splits, read_manifest
from audioldm_bench.store import Store


@dataclass(frozen=True)
class ClipCount:
    """Of one split: clips that it names, and those of them whose sound is there and usable."""

    named: int
    usable: int

    @property
    def missing(self) -> int:
        return self.named - self.usable


def count_clips(
    manifest: Path, missing: Path, audio_shards: Sequence[Path]
) -> dict[str, ClipCount]:
    """By split. A clip is not usable when its file is missing, or was set aside when it was read.

    `missing`: the study's missing.csv; `audio_shards`: the stores of the dataset's waveforms.
    """
    there = read_manifest(manifest)
    named = Counter(clip.split for clip in there) + Counter(missing_splits(missing))
    with Store([Path(path) for path in audio_shards]) as store:
        usable = Counter(clip.split for clip in there if clip.clip_id in store)
    return {split: ClipCount(named[split], usable[split]) for split in SPLITS}
