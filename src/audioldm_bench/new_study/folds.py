"""Folds that keep recordings together, for a csv that names the recording but no fold."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from audioldm_bench.datasets.manifest import Clip
from audioldm_bench.seeds import derive

FOLDS = 5


def deal(clips: Sequence[Clip], seed: int) -> dict[str, int]:
    """Fold (1 to 5) by group: the largest groups first, each to the fold with the fewest clips
    of its class, then the fewest of all, then by seeded draw."""
    groups: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        groups[clip.group].append(clip)
    of_class: Counter = Counter()
    of_all: Counter = Counter()
    folds = {}
    for group in sorted(groups, key=lambda g: (-len(groups[g]), derive(seed, "deal", g))):
        label = (groups[group][0].labels or [""])[0]
        fold = min(
            range(1, FOLDS + 1),
            key=lambda f: (of_class[f, label], of_all[f], derive(seed, "deal", group, f)),
        )
        folds[group] = fold
        of_class[fold, label] += len(groups[group])
        of_all[fold] += len(groups[group])
    return folds
