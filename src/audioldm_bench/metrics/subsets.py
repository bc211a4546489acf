"""Fréchet distances of many subsets of the same clips: halves, growing samples."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from audioldm_bench.errors import UserError
from audioldm_bench.metrics.checks import feature_matrix


def pool(embeddings: Sequence[np.ndarray], *, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """All rows (M, D) of clips of (n_i, D) rows each, and the clip (M,) that each row is of."""
    counts = [len(clip) for clip in embeddings]
    if not counts or min(counts) < 1:
        raise UserError(f"{metric}: a clip without features; make the feature file anew")
    rows = feature_matrix(np.concatenate(list(embeddings)), least=2, metric=metric)
    return rows, np.repeat(np.arange(len(counts)), counts)


class SubsetDistances:
    """The Fréchet distance of two sides, of any subset of their clips.

    Where a subset has fewer rows than dimensions, its overlap comes from one Gram matrix of all
    rows, made once: the singular values of R1 R2^T are those of the centred part of it. Otherwise
    the covariances are of D x D. Either way much faster than `frechet.gaussian` of each subset.
    """

    def __init__(self, generated: Sequence[np.ndarray], reference: Sequence[np.ndarray]):
        if len(generated) != len(reference):
            raise UserError(f"FD: {len(generated)} clips against {len(reference)}; pair them by id")
        self.n = len(generated)
        pools = [pool(side, metric="FD") for side in (generated, reference)]
        rows = [rows for rows, _ in pools]
        if rows[0].shape[1] != rows[1].shape[1]:
            raise UserError(
                f"FD: embeddings of {rows[0].shape[1]} and {rows[1].shape[1]} dimensions; "
                "both sides need the same backbone"
            )
        middle = rows[1].mean(axis=0)  # keeps the small differences of large means
        self._rows = [side - middle for side in rows]
        self._clips = [of_clip for _, of_clip in pools]
        self._squares = [np.einsum("ij,ij->i", side, side) for side in self._rows]

    @cached_property
    def _gram(self) -> np.ndarray:
        return self._rows[0] @ self._rows[1].T

    def __call__(self, clips: np.ndarray) -> float:
        """Of the clips at these positions, on both sides; at least 0."""
        chosen = np.zeros(self.n, dtype=bool)
        chosen[clips] = True
        picked = [np.flatnonzero(chosen[of_clip]) for of_clip in self._clips]
        if min(map(len, picked)) < 2:
            raise UserError("FD: a subset of fewer than 2 rows of features; evaluate more clips")
        means = [self._mean(side, rows) for side, rows in enumerate(picked)]
        spread = sum(self._variance(i, picked[i], means[i]) for i in (0, 1))
        few = min(map(len, picked)) <= self._rows[0].shape[1]
        overlap = self._overlap_of_few(picked) if few else self._overlap(picked, means)
        return float(max(0.0, np.sum((means[0] - means[1]) ** 2) + spread - 2 * overlap))

    def _mean(self, side: int, rows: np.ndarray) -> np.ndarray:
        weights = np.zeros(len(self._rows[side]))
        weights[rows] = 1 / len(rows)
        return weights @ self._rows[side]

    def _variance(self, side: int, rows: np.ndarray, mean: np.ndarray) -> float:
        """Trace of the covariance."""
        return (self._squares[side][rows].sum() - len(rows) * (mean @ mean)) / (len(rows) - 1)

    def _overlap_of_few(self, picked: list[np.ndarray]) -> float:
        part = self._gram[np.ix_(*picked)]
        part -= part.mean(axis=0)
        part -= part.mean(axis=1, keepdims=True)
        scale = np.sqrt((part.shape[0] - 1) * (part.shape[1] - 1))
        return np.linalg.svd(part, compute_uv=False).sum() / scale

    def _overlap(self, picked: list[np.ndarray], means: list[np.ndarray]) -> float:
        roots = []
        for side, (rows, mean) in enumerate(zip(picked, means, strict=True)):
            centred = self._rows[side][rows] - mean
            values, axes = np.linalg.eigh(centred.T @ centred / (len(rows) - 1))
            roots.append(np.sqrt(np.maximum(values, 0))[:, None] * axes.T)
        return np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
