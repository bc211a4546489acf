"""The floor: real clips under the names of other real clips. No system should score below it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..datasets.manifest import Clip
from ..errors import UserError
from ..seeds import derive
from .matching import Descriptions, Postings, recording, same_description

_SAME_RECORDING = 10.0  # weighs more than any likeness: taken only where nothing else is left


def floor_sources(
    evaluated: Sequence[Clip], others: Sequence[Clip], seed: int
) -> tuple[dict[str, str], dict]:
    """Which clip sounds under the name of which evaluation clip, and what clips.json says of it.

    `others` are no evaluation clips. Where they are fewer than half of those, one half of the
    evaluation clips goes under the names of the other half, recordings kept together, so that
    name and sound are never both in what is compared. A source is the most alike by description;
    of equal ones, one whose recording has no evaluation clip, then the first by seeded draw. None
    is used twice. UserError when less than two pairs can be made.
    """
    mode = "others" if 2 * len(others) >= len(evaluated) else "halves"
    named, sources = (evaluated, others) if mode == "others" else _halves(evaluated, seed)
    chosen = _assign(named, sources, seed)
    if len(chosen) < 2:
        raise UserError(
            f"floor: {len(evaluated)} evaluation clips and {len(others)} others are too few for "
            "two pairs of real clips; evaluate at least 4, or keep 2 out of the evaluation split"
        )
    by_id = {clip.clip_id: clip for clip in [*named, *sources]}
    pairs = [(by_id[name], by_id[source]) for name, source in chosen.items()]
    scored = {recording(clip) for clip, _ in pairs}
    return chosen, {
        "mode": mode,
        "same_description": sum(same_description(*pair) for pair in pairs),
        "same_recording": sum(recording(clip) == recording(source) for clip, source in pairs),
        "recording_is_evaluated": sum(recording(source) in scored for _, source in pairs),
    }


def _assign(named: Sequence[Clip], sources: Sequence[Clip], seed: int) -> dict[str, str]:
    """Source by name, sorted by name; the names choose one after the other, in seeded order."""
    scored = {recording(clip) for clip in named}
    sources = sorted(
        sources, key=lambda c: (recording(c) in scored, derive(seed, "floor", c.clip_id))
    )
    pieces = Postings([recording(clip)] for clip in sources)
    descriptions, free = Descriptions(sources), np.ones(len(sources), dtype=bool)
    chosen: dict[str, str] = {}
    for clip in sorted(named, key=lambda c: derive(seed, "floor name", c.clip_id)):
        if not free.any():
            break
        alike = descriptions.closeness(clip)
        alike[pieces[recording(clip)]] -= _SAME_RECORDING
        best = int(np.argmax(np.where(free, alike, -np.inf)))  # the first of equal ones
        free[best] = False
        chosen[clip.clip_id] = sources[best].clip_id
    return dict(sorted(chosen.items()))


def _halves(clips: Sequence[Clip], seed: int) -> tuple[list[Clip], list[Clip]]:
    """Recordings dealt out to two halves, those of one description in turn."""
    recordings: dict[str, list[Clip]] = {}
    for clip in sorted(clips, key=lambda c: c.clip_id):
        recordings.setdefault(recording(clip), []).append(clip)
    halves: tuple[list[Clip], list[Clip]] = ([], [])
    first = derive(seed, "floor halves") % 2
    for members in sorted(
        recordings.values(),
        key=lambda m: (m[0].label, m[0].caption, derive(seed, "floor halves", recording(m[0]))),
    ):
        smaller = len(halves[1]) < len(halves[0])
        halves[smaller if len(halves[0]) != len(halves[1]) else first].extend(members)
    return halves
