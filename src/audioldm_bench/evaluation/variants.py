"""Each variant of a metric on two sides: of all clips, and on halves of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from audioldm_bench.errors import UserError
from audioldm_bench.evaluation.pairs import ClipFeatures
from audioldm_bench.metrics.clap_score import clap_scores
from audioldm_bench.metrics.frechet import frechet_from_features
from audioldm_bench.metrics.inception import log_probabilities, score_of_log_p
from audioldm_bench.metrics.infinite import fd_infinite, orders
from audioldm_bench.metrics.kad import kad, kad_of_subsets, kernels
from audioldm_bench.metrics.kl import sigmoid_divergences, softmax_divergences
from audioldm_bench.metrics.subsets import SubsetDistances

ORDERS = 4  # random orders of the clips whose growing subsets give FD of infinite clips
SIZES_OF_HALF = 4  # sizes of the growing subsets of a half

Halves = Sequence[np.ndarray]  # positions of clips


@dataclass(frozen=True)
class Measured:
    value: float
    on_halves: np.ndarray  # (R,)
    extra: dict


@dataclass
class Sides:
    """What the metrics are made of."""

    generated: ClipFeatures
    reference: ClipFeatures
    config: Mapping
    seed: int
    captions: np.ndarray | None = None
    _distances: dict[str, SubsetDistances] = field(default_factory=dict)

    @property
    def n(self) -> int:
        return len(self.generated.ids)

    def embeddings(self, backbone: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Of generated and reference clips."""
        for side in (self.generated, self.reference):
            if backbone not in side.embeddings:
                raise UserError(
                    f"metrics: no features of backbone '{backbone}'; extract them first"
                )
        return self.generated.embeddings[backbone], self.reference.embeddings[backbone]

    def logits(self, backbone: str, metric: str) -> tuple[np.ndarray, np.ndarray]:
        """Of generated and reference clips."""
        for side in (self.generated, self.reference):
            if backbone not in side.logits:
                raise UserError(
                    f"metrics.{metric}: backbone '{backbone}' gives no logits; choose another"
                )
        return self.generated.logits[backbone], self.reference.logits[backbone]

    def distances(self, backbone: str) -> SubsetDistances:
        if backbone not in self._distances:
            self._distances[backbone] = SubsetDistances(*self.embeddings(backbone))
        return self._distances[backbone]

    def rows(self, backbone: str) -> dict[str, int]:
        """How many embeddings each side has, where a clip has several."""
        counts = [sum(map(len, side)) for side in self.embeddings(backbone)]
        if counts == [self.n, self.n]:
            return {}
        return {"rows_generated": counts[0], "rows_reference": counts[1]}


def _frechet(sides: Sides, backbone: str, halves: Halves) -> Measured:
    generated, reference = sides.embeddings(backbone)
    value = frechet_from_features(np.concatenate(generated), np.concatenate(reference))
    on_halves = [sides.distances(backbone)(half) for half in halves]
    return Measured(value, np.array(on_halves), sides.rows(backbone))


def _fd_infinite(sides: Sides, backbone: str, halves: Halves) -> Measured:
    distances = sides.distances(backbone)
    some = orders(sides.generated.ids, ORDERS, sides.seed)
    found = fd_infinite(distances, some)
    on_halves = []
    for number, half in enumerate(halves):
        inside = np.isin(some[number % ORDERS], half)
        order = some[number % ORDERS][inside]  # the half's clips in one of the random orders
        on_halves.append(fd_infinite(distances, [order], SIZES_OF_HALF).value)
    extra = {"slope": found.slope, "sizes": list(found.sizes), "distances": list(found.distances)}
    return Measured(found.value, np.array(on_halves), sides.rows(backbone) | extra)


def _inception(sides: Sides, backbone: str, halves: Halves) -> Measured:
    """A half is cut into half as many slices, so that a slice has as many clips: IS grows with it.

    Where there is but one slice, the half's is half as large.
    """
    log_p = log_probabilities(sides.logits(backbone, "is")[0])
    seed = sides.config["is_seed"]
    score = score_of_log_p(log_p, splits=sides.config["is_splits"], seed=seed)
    splits = max(1, score.splits // 2)
    on_halves = [score_of_log_p(log_p[half], splits=splits, seed=seed).mean for half in halves]
    return Measured(score.mean, np.array(on_halves), {"std": score.std, "splits": score.splits})


def _kl(divergences: Callable) -> Callable[[Sides, str, Halves], Measured]:
    def measure(sides: Sides, backbone: str, halves: Halves) -> Measured:
        logits = sides.logits(backbone, "kl")
        return _mean(divergences(*logits, sides.generated.ids, sides.reference.ids), halves)

    return measure


def _kad(sides: Sides, backbone: str, halves: Halves) -> Measured:
    found = kernels(*sides.embeddings(backbone))
    extra = sides.rows(backbone) | {"bandwidth": found.bandwidth}
    on_halves = kad_of_subsets(found, halves) if halves else np.array([])
    return Measured(kad(found), on_halves, extra)


def _clap_score(sides: Sides, backbone: str, halves: Halves) -> Measured:
    if sides.captions is None:
        raise UserError(
            f"metrics: clap_score_{backbone} needs the captions' embeddings, which are not given; "
            "give captions, or take it out of metrics.also"
        )
    sounds = sides.embeddings(backbone)[0]
    if any(len(rows) != 1 for rows in sounds):
        raise UserError(
            f"metrics: clap_score_{backbone}: the backbone gives several embeddings a clip, "
            "CLAP gives one; write clap_score_clap"
        )
    return _mean(clap_scores(np.concatenate(sounds), sides.captions), halves)


def _mean(each: np.ndarray, halves: Halves) -> Measured:
    """Of a metric that is a mean over clips."""
    return Measured(float(each.mean()), np.array([each[half].mean() for half in halves]), {})


MEASURES: dict[str, Callable[[Sides, str, Halves], Measured]] = {
    "fd": _frechet,
    "is": _inception,
    "kl_softmax": _kl(softmax_divergences),
    "fad": _frechet,
    "kl_sigmoid": _kl(sigmoid_divergences),
    "kad": _kad,
    "fd_infinite": _fd_infinite,
    "clap_score": _clap_score,
}
