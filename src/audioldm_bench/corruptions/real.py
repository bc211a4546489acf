"""The real clips that are corrupted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audioldm_bench import audio
from audioldm_bench.datasets.manifest import Clip, read_manifest
from audioldm_bench.errors import UserError
from audioldm_bench.features.clips import find_clips

# Mean square (-80 dB of full scale) below which a ratio of levels means nothing.
SILENCE = 1e-8

Corruption = Callable[[str], np.ndarray]  # clip id -> samples; raises AudioError


@dataclass(frozen=True)
class RealClips:
    """The clips that are corrupted, and what the manifest says of them."""

    files: Mapping[str, Path]
    clips: Mapping[str, Clip]
    rate: int  # Hz
    n_samples: int  # of the nominal duration

    def read(self, clip_id: str) -> np.ndarray:
        """(T,) float32 minus its mean, at most the nominal duration. Raises AudioError."""
        samples, rate = audio.read(self.files[clip_id])
        samples = audio.resample(samples - samples.mean(), rate, self.rate)
        return samples[: self.n_samples]

    def classes(self, clip_id: str) -> set[str]:
        """Its labels; a clip without labels (AudioCaps) is a class of its own, its caption."""
        clip = self.clips[clip_id]
        return set(clip.labels) or {clip.caption or clip_id}


def open_real_clips(folder: Path, manifest: Path, rate: int, duration: float) -> RealClips:
    files = find_clips(folder)
    clips = {clip.clip_id: clip for clip in read_manifest(manifest)}
    unknown = sorted(set(files) - set(clips))
    if unknown:
        raise UserError(f"{folder}: {unknown[0]} is not a clip_id of {manifest}")
    return RealClips(files, clips, rate, round(duration * rate))
