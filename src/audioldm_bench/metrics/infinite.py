"""FD extrapolated to infinitely many clips (Chong & Forsyth 2020; for audio Gui et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audioldm_bench.errors import UserError
from audioldm_bench.metrics.subsets import SubsetDistances
from audioldm_bench.seeds import derive

LEAST = 8  # clips
SIZES = 8  # of the growing subsets, from a quarter of the clips to all


@dataclass(frozen=True)
class Extrapolation:
    value: float  # the intercept; noise can take it below 0
    slope: float  # of FD against 1/N
    sizes: tuple[int, ...]
    distances: tuple[float, ...]  # mean FD at each size


def orders(ids: Sequence[str], count: int, seed: int) -> list[np.ndarray]:
    """`count` random orders of the clips (positions in `ids`), by the set of ids and the seed."""
    base = np.argsort(np.asarray(ids, dtype=str), kind="stable")
    seeds = (derive(seed, "fd_infinite", number) for number in range(count))
    return [base[np.random.default_rng(one).permutation(len(base))] for one in seeds]


def fd_infinite(
    distances: SubsetDistances, orders: Sequence[np.ndarray], sizes: int = SIZES
) -> Extrapolation:
    """FD at 1/N = 0 of the line through (1/N, FD of the first N clips), mean over `orders`.

    Both sides grow: FD of N clips against N. `orders` hold positions of the same clips.
    """
    n = len(orders[0])
    if n < LEAST // 2:
        raise UserError(f"fd_infinite: {n} clips, needs at least {LEAST}; evaluate more clips")
    steps = np.unique(np.linspace(max(2, n // 4), n, sizes).round().astype(int))
    means = [np.mean([distances(order[:size]) for order in orders]) for size in steps[:-1]]
    means.append(distances(orders[0]))  # all clips, whatever the order
    slope, intercept = np.polyfit(1 / steps, means, 1)
    return Extrapolation(
        float(intercept), float(slope), tuple(map(int, steps)), tuple(map(float, means))
    )
