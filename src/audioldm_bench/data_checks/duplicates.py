"""Clips that are the same recording: exact copies by hash, near ones by fingerprint and
correlation. Between two splits that is a leak, within one it is a note."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..datasets.manifest import SPLITS
from ..store import Store
from .fingerprint import BINS, correlation, similarity

COSINE = 0.8  # of two fingerprints: the pair is worth a look [ours]
CORRELATION = 0.6  # of two waveforms: the same recording [ours]
NEIGHBOURS = {True: 3, False: 1}  # looked at for each clip, between splits and within one
SHIFTS = BINS // 2  # bins: overlapping cuts of one recording, half a clip apart at most
_SHIFT_PAIRS = 30_000_000  # more pairs of clips than these are compared unshifted: minutes
_MOST_CONFIRMED = 10_000  # pairs of waveforms, the likeliest first: a minute
_ROWS = 1024  # compared at once: 4 MB of similarities with as many others


@dataclass(frozen=True)
class Pair:
    """Two clips and how alike they are (correlation; 1 for exact copies)."""

    one: str
    other: str
    alike: float


@dataclass
class Search:
    """Near-duplicates between two splits, or within one, and how far the search went."""

    splits: tuple[str, str]
    pairs: list[Pair]
    compared: int
    shifted: bool
    proposed: int
    confirmed: int


def exact_groups(keys: Mapping[str, object]) -> list[list[str]]:
    """Clips of equal key, two and more; `keys`: the hash of each clip's waveform or file."""
    groups: dict[object, list[str]] = defaultdict(list)
    for clip_id, key in keys.items():
        groups[key].append(clip_id)
    return [members for members in groups.values() if len(members) > 1]


def split_pairs(present: Sequence[str]) -> list[tuple[str, str]]:
    """(split, split), the leaks first."""
    there = [split for split in SPLITS if split in present]
    leaks = [(a, b) for n, a in enumerate(there) for b in there[n + 1 :]]
    return leaks + [(split, split) for split in there]


def search(
    store: Store,
    fingerprints: np.ndarray,
    rows: Mapping[str, np.ndarray],
    splits: tuple[str, str],
    exact: set[frozenset[str]],
) -> Search:
    """`rows`: the row numbers in `fingerprints` (and `store.ids`) of each split; pairs in `exact`
    are left out."""
    one, other = rows[splits[0]], rows[splits[1]]
    within = splits[0] == splits[1]
    compared = len(one) * (len(one) - 1) // 2 if within else len(one) * len(other)
    shifted = compared <= _SHIFT_PAIRS
    proposed = sorted(
        _proposed(fingerprints, one, other, within, SHIFTS if shifted else 0), reverse=True
    )
    proposed = [
        (score, store.ids[a], store.ids[b])
        for score, a, b in proposed
        if frozenset((store.ids[a], store.ids[b])) not in exact
    ]
    looked_at = proposed[:_MOST_CONFIRMED]
    pairs = list(_confirmed(store, [(a, b) for _, a, b in looked_at]))
    pairs.sort(key=lambda pair: (-pair.alike, pair.one, pair.other))
    return Search(splits, pairs, compared, shifted, len(proposed), len(looked_at))


def _proposed(
    prints: np.ndarray, one: np.ndarray, other: np.ndarray, within: bool, shifts: int
) -> Iterator[tuple[float, int, int]]:
    """(cosine, row of one, row of other): for each of `other` its nearest in `one`, if near."""
    keep = NEIGHBOURS[not within]
    for start in range(0, len(other), _ROWS):
        asked = other[start : start + _ROWS]
        best = np.full((len(asked), keep), -1.0, np.float32)
        which = np.zeros((len(asked), keep), np.int64)
        for begin in range(0, start + len(asked) if within else len(one), _ROWS):
            rows = one[begin : begin + _ROWS]
            scores = similarity(prints[asked], prints[rows], shifts)
            if within:  # each pair once: neighbours that come before
                scores[asked[:, None] <= rows[None, :]] = -1.0
            _keep_best(best, which, scores, rows)
        for row, place in zip(*np.nonzero(best >= COSINE), strict=True):
            yield float(best[row, place]), int(which[row, place]), int(asked[row])


def _keep_best(best: np.ndarray, which: np.ndarray, scores: np.ndarray, rows: np.ndarray) -> None:
    """Merges (asked, rows) scores, which it uses up, into the best (asked, k) so far, in place."""
    every, found, where = np.arange(len(scores)), [best], [which]
    for _ in range(min(best.shape[1], scores.shape[1])):
        top = scores.argmax(axis=1)
        found.append(scores[every, top][:, None])
        where.append(rows[top][:, None])
        scores[every, top] = -1.0
    values, places = np.concatenate(found, axis=1), np.concatenate(where, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")[:, : best.shape[1]]
    best[:] = np.take_along_axis(values, order, axis=1)
    which[:] = np.take_along_axis(places, order, axis=1)


def _confirmed(store: Store, pairs: Sequence[tuple[str, str]]) -> Iterator[Pair]:
    rate = store.attrs["sample_rate"]
    for one, other in pairs:
        alike = correlation(store.get("waveform", one), store.get("waveform", other), rate)
        if alike >= CORRELATION:
            yield Pair(one, other, alike)
