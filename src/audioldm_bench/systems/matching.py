"""How alike two clips are described: by their labels first, then by the words of their captions."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from ..datasets.manifest import Clip


def classes(clip: Clip) -> set[str]:
    """Its labels; a clip without labels (AudioCaps) is a class of its own, its caption."""
    return set(clip.labels) or {clip.caption or clip.clip_id}


def recording(clip: Clip) -> str:
    """What it was cut from."""
    return clip.group or clip.clip_id


def same_description(one: Clip, other: Clip) -> bool:
    """The same labels, or where one of the two has none, the same words."""
    if one.labels and other.labels:
        return set(one.labels) == set(other.labels)
    return _words(one) == _words(other)


class Postings:
    """Which items hold a key: {3, 8} hold "dog"."""

    def __init__(self, keys: Iterable[Iterable[str]]):
        found: dict[str, list[int]] = defaultdict(list)
        for number, its in enumerate(keys):
            for key in sorted(set(its)):
                found[key].append(number)
        self._items = {key: np.array(items) for key, items in found.items()}

    def __getitem__(self, key: str) -> np.ndarray:
        return self._items.get(key, np.zeros(0, int))


class Descriptions:
    """Clips that others are compared with."""

    def __init__(self, clips: Sequence[Clip]):
        words = [_words(clip) for clip in clips]
        self._labels, self._words = Postings(clip.labels for clip in clips), Postings(words)
        self._n_labels = np.array([len(set(clip.labels)) for clip in clips])
        self._norms = np.array([self._norm(its) for its in words])

    def closeness(self, clip: Clip) -> np.ndarray:
        """(n,) of 0 to 3: twice the share of labels in common (Jaccard), plus the cosine of the
        captions' words, of which a rare one weighs more than a frequent one."""
        labels, words = set(clip.labels), _words(clip)
        common = np.zeros(len(self._norms))
        for label in labels:
            common[self._labels[label]] += 1
        product = np.zeros(len(self._norms))
        for word in sorted(words):
            product[self._words[word]] += self._weight(word) ** 2
        share = common / np.maximum(1, len(labels) + self._n_labels - common)
        cosine = product / np.maximum(1e-12, self._norms * self._norm(words))
        return np.round(2 * share + cosine, 9)  # equal descriptions are equal to the bit

    def _weight(self, word: str) -> float:
        return float(np.log1p(len(self._n_labels) / max(1, len(self._words[word]))))

    def _norm(self, words: set[str]) -> float:
        return float(np.sqrt(sum(self._weight(word) ** 2 for word in sorted(words))))


def _words(clip: Clip) -> set[str]:
    return set(re.findall(r"\w+", clip.caption.casefold()))
