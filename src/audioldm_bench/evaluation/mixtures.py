"""The paper's metrics of mixtures of clean and corrupted clips, against the clean ones.

What does not depend on which clips are corrupted is computed once: the products of all features
with each other, each clip's class probabilities, each clip's divergence. A mixture then costs the
singular values of a part of one matrix, and sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial

import numpy as np

from audioldm_bench.metrics.checks import feature_matrix
from audioldm_bench.metrics.frechet import Gaussian, gaussian
from audioldm_bench.metrics.inception import log_softmax
from audioldm_bench.metrics.kl import softmax_divergences

# A mixture of N clips is a mask, (N,) of bool: True where the corrupted clip stands in. All
# classes have `values(clips, masks)`: of the clips at these positions, a value for each mask.


class FrechetOfMixtures:
    """Fréchet distance of each mixture to its clean clips (FD, FAD).

    `corrupted` and `clean` hold (n_i, D) rows of clip i: one, or one an example.
    """

    def __init__(self, corrupted: Sequence[np.ndarray], clean: Sequence[np.ndarray]):
        rows = feature_matrix(
            np.concatenate([*clean, *corrupted]), least=2, metric="Fréchet distance"
        )
        clean_rows = sum(map(len, clean))
        self.rows = rows - rows[:clean_rows].mean(axis=0)  # of products, less is lost to rounding
        ends = np.cumsum([len(part) for part in (*clean, *corrupted)])
        places = np.split(np.arange(len(rows)), ends[:-1])
        self.places = {False: places[: len(clean)], True: places[len(clean) :]}

    @cached_property
    def products(self) -> np.ndarray:
        """Of all rows with each other: clean, then corrupted."""
        return self.rows @ self.rows.T

    def _rows_of(self, clips: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return np.concatenate([self.places[bool(mask[i])][i] for i in clips])

    def values(self, clips: np.ndarray, masks: Sequence[np.ndarray]) -> list[float]:
        clean = self._rows_of(clips, np.zeros(len(self.places[False]), bool))
        if len(clean) <= self.rows.shape[1]:
            distance = partial(self._by_products, clean)
        else:  # more rows than dimensions
            distance = partial(self._by_covariance, gaussian(self.rows[clean]))
        return [
            distance(self._rows_of(clips, mask)) if mask[clips].any() else 0.0 for mask in masks
        ]

    def _by_covariance(self, clean: Gaussian, mixture: np.ndarray) -> float:
        """As `frechet_distance`, by eigenvalues: several times faster than by singular values.

        Of a singular value below 1e-8 of the largest, nothing is left but rounding.
        """
        rows = self.rows[mixture]
        mean = rows.mean(axis=0)
        rows -= mean
        covariance = rows.T @ rows / (len(rows) - 1)
        squares = np.linalg.eigvalsh(clean.root @ covariance @ clean.root.T)
        overlap = np.sqrt(np.maximum(squares, 0.0)).sum()
        apart = np.sum((mean - clean.mean) ** 2)
        return float(max(0.0, apart + covariance.trace() + clean.variance - 2.0 * overlap))

    def _by_products(self, a: np.ndarray, b: np.ndarray) -> float:
        """As `frechet_distance` of the Gaussians of rows `a` and `b`, from their products."""
        means = np.zeros((2, len(self.rows)))  # as weights of rows
        means[0, a] = 1 / len(a)
        means[1, b] = 1 / len(b)
        towards = means @ self.products
        squares = self.products.diagonal()
        variance = sum(
            (squares[rows].sum() - len(rows) * mean @ to) / (len(rows) - 1)
            for rows, mean, to in zip((a, b), means, towards, strict=True)
        )
        apart = (means[0] - means[1]) @ (towards[0] - towards[1])
        cross = self.products[np.ix_(a, b)]
        cross = cross - towards[1][a][:, None] - towards[0][b] + means[0] @ towards[1]
        overlap = np.linalg.svd(cross, compute_uv=False).sum()
        overlap /= np.sqrt((len(a) - 1) * (len(b) - 1))
        return float(max(0.0, apart + variance - 2.0 * overlap))


class InceptionOfMixtures:
    """IS of each mixture; logits (N, K).

    Of fewer clips than all, as many slices are made as keep their size: a slice of n clips cannot
    score above n.
    """

    def __init__(self, corrupted: np.ndarray, clean: np.ndarray, *, splits: int, seed: int):
        log_p = log_softmax(
            np.stack([feature_matrix(side, least=2, metric="IS") for side in (clean, corrupted)])
        )
        self.p = np.exp(log_p)  # (2, N, K)
        self.negative_entropy = (self.p * log_p).sum(axis=2)  # (2, N)
        self.splits = splits if len(clean) >= splits else 1
        self.seed = seed

    def values(self, clips: np.ndarray, masks: Sequence[np.ndarray]) -> list[float]:
        n, n_all = len(clips), self.p.shape[1]
        slices = max(1, round(self.splits * n / n_all))
        order = clips[np.random.RandomState(self.seed).permutation(n)]
        parts = [order[i * n // slices : (i + 1) * n // slices] for i in range(slices)]
        return [float(np.mean([self._score(part, mask) for part in parts])) for mask in masks]

    def _score(self, clips: np.ndarray, mask: np.ndarray) -> float:
        side = mask[clips].astype(int)
        marginal = self.p[side, clips].mean(axis=0)
        entropy = -(marginal * np.log(np.where(marginal > 0, marginal, 1.0))).sum()
        return float(np.exp(self.negative_entropy[side, clips].mean() + entropy))


class DivergenceOfMixtures:
    """KL of each mixture from its clean clips; logits (N, K)."""

    def __init__(self, corrupted: np.ndarray, clean: np.ndarray):
        ids = [str(i) for i in range(len(clean))]
        sides = (softmax_divergences(side, clean, ids, ids) for side in (clean, corrupted))
        self.of_clips = np.stack(list(sides))  # (2, N)

    def values(self, clips: np.ndarray, masks: Sequence[np.ndarray]) -> list[float]:
        return [float(self.of_clips[mask[clips].astype(int), clips].mean()) for mask in masks]
