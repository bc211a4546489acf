"""Interfering sounds of other classes (paper, section IV-B)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from audioldm_bench import audio
from audioldm_bench.corruptions.real import SILENCE, RealClips
from audioldm_bench.seeds import derive


class Interference:
    """Mixes a clip with one of other classes, at the same signal-to-noise ratio for all."""

    def __init__(self, real: RealClips, n_classes: int, seed: int):
        self.real, self.n_classes, self.seed = real, n_classes, seed
        self.classes = {clip_id: real.classes(clip_id) for clip_id in real.files}
        self.members: dict[str, list[str]] = {}
        for clip_id, names in self.classes.items():
            for name in names:
                self.members.setdefault(name, []).append(clip_id)
        # The study's draw: a clip takes the first `n_classes` of this order that it is not in.
        self.order = sorted(self.members, key=lambda name: derive(seed, "interfering class", name))

    def candidates(self, clip_id: str) -> list[list[str]]:
        """Clips that share no class with `clip_id`, for each of its interfering classes."""
        own, found = self.classes[clip_id], []
        for name in self.order:
            strangers = [i for i in self.members[name] if not own & self.classes[i]]
            if strangers:
                found.append(strangers)
            if len(found) == self.n_classes:
                break
        return found

    def choices(self, clip_id: str) -> Iterator[str]:
        """Interfering clips: a class at random, then a clip of it; the next if it is silent."""
        rng = np.random.default_rng(derive(self.seed, "interference", clip_id))
        candidates = self.candidates(clip_id)
        for number in rng.permutation(len(candidates)):
            yield from map(str, rng.permutation(candidates[number]))

    def mix(self, clip_id: str, *, snr_db: float) -> np.ndarray:
        """The clip plus an interfering one, `snr_db` below it; scaled down if it would clip."""
        target = self.real.read(clip_id)
        power = float(np.mean(target**2))
        if power < SILENCE:
            raise audio.AudioError("silent: a signal-to-noise ratio means nothing")
        for other_id in self.choices(clip_id):
            other = self.real.read(other_id)
            other_power = float(np.mean(other**2))
            if other_power >= SILENCE:
                break
        else:
            raise audio.AudioError("no audible clip of another class to mix it with")
        gain = np.sqrt(power / other_power / 10 ** (snr_db / 10))
        n = self.real.n_samples
        mixed = audio.fit(target, n) + np.float32(gain) * audio.fit(other, n)
        return mixed / max(1.0, float(np.abs(mixed).max()))

    def notes(self) -> dict:
        """What clips.json says: how many classes there were to choose from."""
        counts = [len(self.candidates(clip_id)) for clip_id in self.real.files]
        notes = {
            "classes_in_data": len(self.members),
            "interfering_classes_wanted": self.n_classes,
            "interfering_classes_used": [min(counts), max(counts)],
            "clips_without_label": sum(not self.real.clips[i].labels for i in self.real.files),
        }
        if min(counts) < self.n_classes:
            notes["note"] = f"too few classes: some clips had only {min(counts)} others"
        return notes
