"""The ceilings: noise, and real clips under the names of clips of another kind.

A system that scores no better than these has learnt nothing of what the metric asks for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..datasets.manifest import Clip
from ..errors import UserError
from ..seeds import derive
from .matching import Postings, classes, recording

# What is wrong with a clip under the name of another: it is the same, of the same class, or of
# the same recording. A clip itself is worse than both others together.
_SAME_CLIP, _SAME_CLASS, _SAME_RECORDING = 4, 2, 1


def noise_like(sound: np.ndarray, clip_id: str, seed: int) -> np.ndarray:
    """White Gaussian noise of the length of `sound`, (T,), and of its power around its mean."""
    rng = np.random.default_rng(derive(seed, "ceiling-noise", clip_id))
    return (float(np.std(sound)) * rng.standard_normal(len(sound))).astype(np.float32)


def shuffled_sources(clips: Sequence[Clip], seed: int) -> tuple[dict[str, str], dict]:
    """Which clip sounds under the name of which, and what clips.json says of it.

    Each clip is used once, none under its own name, and where it can be under the name of a clip
    that shares no label and no recording with it: a random permutation, mended by exchanges until
    none makes it better. UserError for less than two clips.
    """
    if len(clips) < 2:
        raise UserError("ceiling-shuffled: one evaluation clip cannot be shuffled; evaluate more")
    clips = sorted(clips, key=lambda clip: clip.clip_id)
    rng = np.random.default_rng(derive(seed, "ceiling-shuffled"))
    faults = _Faults(clips)
    order = rng.permutation(len(clips))
    cost = np.array([faults.of(i)[j] for i, j in enumerate(order)])
    while _mend(order, cost, faults, rng):
        pass
    chosen = {clip.clip_id: clips[j].clip_id for clip, j in zip(clips, order, strict=True)}
    pairs = [(clip, clips[j]) for clip, j in zip(clips, order, strict=True)]
    return chosen, {
        "same_class": sum(bool(classes(a) & classes(b)) for a, b in pairs),
        "same_recording": sum(recording(a) == recording(b) for a, b in pairs),
    }


class _Faults:
    """What is wrong with each clip under the name of clip i: (n,), symmetric in both."""

    def __init__(self, clips: Sequence[Clip]):
        self._classes = [sorted(classes(clip)) for clip in clips]
        self._recordings = [recording(clip) for clip in clips]
        self._of_class = Postings(self._classes)
        self._of_recording = Postings([name] for name in self._recordings)

    def of(self, i: int) -> np.ndarray:
        row = np.zeros(len(self._classes), int)
        for name in self._classes[i]:
            row[self._of_class[name]] = _SAME_CLASS
        row[self._of_recording[self._recordings[i]]] += _SAME_RECORDING
        row[i] += _SAME_CLIP
        return row


def _mend(order: np.ndarray, cost: np.ndarray, faults: _Faults, rng: np.random.Generator) -> bool:
    """Exchanges sounds, in place, wherever that makes two pairs better; whether it did."""
    before = int(cost.sum())
    for i in np.flatnonzero(cost):
        new = faults.of(i)[order] + faults.of(order[i])  # of i with j's sound, and of j with i's
        gain = cost[i] + cost - new
        if gain.max() > 0:
            j = int(rng.choice(np.flatnonzero(gain == gain.max())))
            order[[i, j]] = order[[j, i]]
            cost[i], cost[j] = faults.of(i)[order[i]], faults.of(j)[order[j]]
    return int(cost.sum()) < before
