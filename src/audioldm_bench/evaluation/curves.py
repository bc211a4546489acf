"""One corruption's metrics against the share of corrupted clips, with what chance does to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from audioldm_bench.errors import UserError
from audioldm_bench.evaluation.mixtures import (
    DivergenceOfMixtures,
    FrechetOfMixtures,
    InceptionOfMixtures,
)
from audioldm_bench.evaluation.pairs import ClipFeatures
from audioldm_bench.evaluation.values import METRICS
from audioldm_bench.metrics.bootstrap import LEAST
from audioldm_bench.seeds import derive

HALVES = 10  # of each order

Range = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """A metric against the share of corrupted clips."""

    values: np.ndarray  # (shares,), means over the orders
    on_halves: np.ndarray  # (orders, HALVES, shares), or (orders, 0, shares) of too few clips

    def intervals(self, level: float) -> list[Range] | None:
        """For each share, where the value would be with other clips of the same kind."""
        reach = _reach(self.on_halves, level)
        return None if reach is None else list(_around(self.values, reach))

    @property
    def change(self) -> float:
        """From no corrupted clip to all."""
        return float(self.values[-1] - self.values[0])

    def change_interval(self, level: float) -> Range | None:
        reach = _reach(self.on_halves[..., -1:] - self.on_halves[..., :1], level)
        return None if reach is None else next(_around([self.change], reach))


def _around(values, reach):
    return ((float(v - r), float(v + r)) for v, r in zip(values, reach, strict=True))


def _reach(on_halves: np.ndarray, level: float) -> np.ndarray | None:
    """Half the width of an interval, from the halves' deviations from their order's mean.

    Normal quantiles of a standard deviation: the tails of some 50 draws are no quantiles.
    """
    if not 0 < level < 1:
        raise UserError(f"metrics.bootstrap.level: {level}; must be between 0 and 1, such as 0.95")
    orders, number, _ = on_halves.shape
    if not number:
        return None
    deviations = on_halves - on_halves.mean(axis=1, keepdims=True)
    variance = (deviations**2).sum(axis=(0, 1)) / (orders * (number - 1))
    return NormalDist().inv_cdf((1 + level) / 2) * np.sqrt(variance)


def corruption_curves(
    corrupted: ClipFeatures,
    clean: ClipFeatures,
    *,
    metrics_config: Mapping,
    shares: int,
    orders: int,
    seed: int,
) -> dict[str, Curve]:
    """The paper's metrics of the same clips, when a growing share of them is corrupted.

    `shares` equal steps from 0 to 1. In each of `orders` random orders the first clips are
    corrupted, so that a larger share holds a smaller one. Both sides hold the same clips in the
    same order.
    """
    if shares < 2:
        raise UserError(f"figure1.shares: {shares}; needs at least 2, for the shares 0 and 1")
    if orders < 1:
        raise UserError(f"figure1.orders: {orders}; needs at least 1")
    metrics = _metrics_of_mixtures(corrupted, clean, metrics_config)
    everything = np.arange(len(clean.ids))
    whole: dict[str, list] = {name: [] for name in METRICS}
    on_halves: dict[str, list] = {name: [] for name in METRICS}
    for number in range(orders):
        order = np.random.default_rng(derive(seed, "figure1 order", number)).permutation(everything)
        masks = _nested_masks(order, shares)
        halves = _halves_in_order(order, derive(seed, "figure1 halves", number))
        for name, metric in metrics.items():
            whole[name].append(metric.values(everything, masks))
            on_halves[name] += [[metric.values(half, masks) for half in halves]]
    return {
        name: Curve(
            np.mean(whole[name], axis=0),
            np.array(on_halves[name], dtype=float).reshape(orders, -1, shares),
        )
        for name in METRICS
    }


def _metrics_of_mixtures(corrupted: ClipFeatures, clean: ClipFeatures, config: Mapping) -> dict:
    def logits(metric: str) -> tuple[np.ndarray, np.ndarray]:
        name = config[metric]
        if name not in clean.logits:
            raise UserError(f"metrics.{metric}: backbone '{name}' gives no logits; choose another")
        return corrupted.logits[name], clean.logits[name]

    def frechet(metric: str) -> FrechetOfMixtures:
        name = config[metric]
        return FrechetOfMixtures(corrupted.embeddings[name], clean.embeddings[name])

    splits = {"splits": config["is_splits"], "seed": config["is_seed"]}
    found = {"fd": frechet("fd"), "is": InceptionOfMixtures(*logits("is"), **splits)}
    found |= {"kl": DivergenceOfMixtures(*logits("kl"))}
    return found | {"fad": found["fd"] if config["fad"] == config["fd"] else frechet("fad")}


def _nested_masks(order: np.ndarray, shares: int) -> list[np.ndarray]:
    masks = []
    for step in range(shares):
        mask = np.zeros(len(order), bool)
        mask[order[: round(step / (shares - 1) * len(order))]] = True
        masks.append(mask)
    return masks


def _halves_in_order(order: np.ndarray, seed: int) -> list[np.ndarray]:
    """`HALVES` random halves: one clip of each two that follow each other in the order, sorted.

    So each half holds half of what is corrupted, at every share: a half at random would have more
    of it, or less, and that would widen the intervals.
    """
    if len(order) < LEAST:
        return []
    pairs = order[: len(order) // 2 * 2].reshape(-1, 2)
    sides = np.random.default_rng(seed).integers(0, 2, (HALVES, len(pairs)))
    return [np.sort(pairs[np.arange(len(pairs)), side]) for side in sides]
