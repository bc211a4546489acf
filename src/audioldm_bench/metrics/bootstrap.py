"""Intervals by half-sampling: the metric on random halves of the clips, drawn without replacement.

A half without replacement varies about the whole as the whole varies about what it would be with
other clips of the same kind: s^2 / (n/2) * (1 - 1/2) = s^2 / n. A sample with replacement holds
clips twice, which biases FD and KAD. A half is biased too, FD upwards: so of the halves' values
only the deviations from their mean are used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from audioldm_bench.errors import UserError
from audioldm_bench.seeds import derive

LEAST = 8  # clips; of fewer, no interval is given


def halves(ids: Sequence[str], *, replicates: int, seed: int) -> Iterator[np.ndarray]:
    """`replicates` random halves of the clips: sorted positions in `ids`, n // 2 of them.

    Which clips are in the k-th half depends on the set of ids and the seed alone, so that metrics
    and systems of the same clips have the same halves and their differences can be compared.
    """
    order = np.argsort(np.asarray(ids, dtype=str), kind="stable")
    for number in range(replicates):
        rng = np.random.default_rng(derive(seed, "half-sampling", number))
        yield np.sort(order[rng.permutation(len(order))[: len(order) // 2]])


def interval(value: float, on_halves: np.ndarray, level: float) -> tuple[float, float]:
    """(low, high) at `level` about `value` from the (R,) values on halves."""
    if not 0 < level < 1:
        raise UserError(f"metrics.bootstrap.level: {level}; must be between 0 and 1, such as 0.95")
    tail = (1 - level) / 2
    low, high = np.quantile(on_halves, [tail, 1 - tail]) - np.mean(on_halves)
    return float(value + low), float(value + high)
