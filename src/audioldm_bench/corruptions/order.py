"""Sound events in a wrong order (paper, section IV-B)."""

from __future__ import annotations

import numpy as np

from audioldm_bench import audio
from audioldm_bench.corruptions.real import RealClips
from audioldm_bench.errors import UserError
from audioldm_bench.seeds import derive


class Composition:
    """Clips composed of several sound events, in an order, and in a wrong one.

    The clip of id X holds the loudest stretch of real clip X and of others, of other classes where
    there are enough; each event takes an equal part of the nominal duration.
    """

    def __init__(self, real: RealClips, events: int, seed: int):
        if events < 2:
            raise UserError(f"figure1.events_per_clip: {events}; an order needs at least 2 events")
        if len(real.files) < events:
            raise UserError(
                f"figure1.events_per_clip: {events} events, but figure1.dataset has only "
                f"{len(real.files)} clips; lower it"
            )
        self.real, self.events, self.seed = real, events, seed
        self.ids = list(real.files)
        self.classes = {clip_id: real.classes(clip_id) for clip_id in self.ids}

    def sources(self, clip_id: str) -> list[str]:
        """Ids of the real clips whose events it is made of, itself first; none twice."""
        rng = np.random.default_rng(derive(self.seed, "composed", clip_id))
        others = [self.ids[i] for i in rng.permutation(len(self.ids)) if self.ids[i] != clip_id]
        chosen, heard = [clip_id], set(self.classes[clip_id])
        for other in others:
            if len(chosen) < self.events and not heard & self.classes[other]:
                chosen.append(other)
                heard |= self.classes[other]
        rest = (other for other in others if other not in chosen)
        while len(chosen) < self.events:  # fewer classes than events
            chosen.append(next(rest))
        return chosen

    def _event(self, clip_id: str) -> np.ndarray:
        length = self.real.n_samples // self.events
        samples = self.real.read(clip_id)
        if len(samples) > length:
            energy = np.cumsum(np.concatenate([[0.0], samples.astype(np.float64) ** 2]))
            start = int(np.argmax(energy[length:] - energy[:-length]))
            samples = samples[start:]
        return audio.fit(samples, length)

    def compose(self, clip_id: str) -> np.ndarray:
        return np.concatenate([self._event(source) for source in self.sources(clip_id)])

    def disorder(self, clip_id: str) -> np.ndarray:
        """What `compose` gives, its events in another order."""
        rng = np.random.default_rng(derive(self.seed, "disorder", clip_id))
        order = rng.permutation(self.events)
        while np.array_equal(order, np.arange(self.events)):
            order = rng.permutation(self.events)
        sources = self.sources(clip_id)
        return np.concatenate([self._event(sources[i]) for i in order])

    def notes(self) -> dict:
        """What clips.json says: whose events, and how many clips hold a class twice."""
        sources = {clip_id: self.sources(clip_id) for clip_id in self.ids}
        repeats = sum(not self._all_differ(chosen) for chosen in sources.values())
        return {"sources": sources, "clips_with_repeated_class": repeats}

    def _all_differ(self, sources: list[str]) -> bool:
        names = [name for clip_id in sources for name in self.classes[clip_id]]
        return len(set(names)) == len(names)
