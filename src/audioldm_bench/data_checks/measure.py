"""One pass over the waveforms: what is measured of each clip, and the fingerprints on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..progress import Progress
from ..store import Store
from .fingerprint import BANDS, BINS, fingerprint

FULL_SCALE = 0.99
_FRAME = 0.02  # s
_AUDIBLE = 1e-3  # of the loudest frame's rms: 60 dB


@dataclass
class Measures:
    """Of N clips that have a waveform, in the order of `ids`."""

    ids: list[str]
    seconds: np.ndarray  # (N,)
    peak: np.ndarray  # (N,) max |x|
    rms: np.ndarray  # (N,)
    clipped: np.ndarray  # (N,) share of samples at full scale
    sounding: np.ndarray  # (N,) share of frames within 60 dB of the loudest
    digests: list[bytes]  # sha256 of the waveform
    fingerprints: np.ndarray  # (N, BINS, BANDS) float16, a file

    def __len__(self) -> int:
        return len(self.ids)


def decibel(value) -> np.ndarray:
    """Of full scale; at least -200."""
    return 20 * np.log10(np.maximum(value, 1e-10))


@contextmanager
def measured(
    shards: Sequence[Path], duration: float, scratch: Path, *, label: str, every: float = 30.0
):
    """Gives the Measures of all clips of the stores; memory holds one waveform and the numbers.

    `scratch`: a file for the fingerprints, deleted when the block ends.
    """
    scratch.parent.mkdir(parents=True, exist_ok=True)
    try:
        with Store(list(shards)) as store:
            yield _pass(store, duration, scratch, Progress(label, len(store), every=every))
    finally:
        scratch.unlink(missing_ok=True)


def _pass(store: Store, duration: float, scratch: Path, progress: Progress) -> Measures:
    n, rate = len(store), store.attrs["sample_rate"]
    numbers = {name: np.zeros(n, np.float32) for name in _NUMBERS}
    prints = np.memmap(scratch, np.float16, "w+", shape=(max(n, 1), BINS, BANDS))
    digests: list[bytes] = []
    for row, (_, samples) in enumerate(store.iter("waveform")):
        for name, value in zip(_NUMBERS, _numbers(samples, rate), strict=True):
            numbers[name][row] = value
        digests.append(hashlib.sha256(samples.tobytes()).digest())
        prints[row] = fingerprint(samples, rate, duration)
        progress.update(row + 1)
    return Measures(ids=store.ids, digests=digests, fingerprints=prints[:n], **numbers)


_NUMBERS = ("seconds", "peak", "rms", "clipped", "sounding")


def _numbers(samples: np.ndarray, rate: int) -> tuple[float, ...]:
    """In the order of _NUMBERS."""
    loud = np.abs(samples)
    frame = max(1, round(_FRAME * rate))
    kept = max(frame, len(samples) // frame * frame)
    frames = np.resize(samples, kept).reshape(-1, frame)
    levels = np.sqrt(np.mean(frames.astype(np.float64) ** 2, axis=1))
    return (
        len(samples) / rate,
        float(loud.max()),
        float(np.sqrt(np.mean(samples.astype(np.float64) ** 2))),
        float(np.mean(loud >= FULL_SCALE)),
        float(np.mean(levels > _AUDIBLE * levels.max())),
    )
