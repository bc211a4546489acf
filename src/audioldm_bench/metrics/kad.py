"""Kernel audio distance: the maximum mean discrepancy of two sets of embeddings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from audioldm_bench.errors import UserError
from audioldm_bench.metrics.checks import feature_matrix
from audioldm_bench.metrics.subsets import pool

SCALE = 100.0  # of the published values (Chung et al. 2025; kadtk at 8bda71d)
_MOST = 4096  # rows whose distances to each other give the bandwidth
_BLOCK = 1024  # rows of a kernel matrix that are in memory at once


@dataclass(frozen=True)
class Kernels:
    """Sums of the kernel over the rows of two clips, for all pairs of clips."""

    own: tuple[np.ndarray, np.ndarray]  # (N, N) generated, reference; a row with itself left out
    across: np.ndarray  # (N, N)
    rows: tuple[np.ndarray, np.ndarray]  # (N,) rows of each clip
    bandwidth: float


def median_distance(rows: np.ndarray) -> float:
    """Median Euclidean distance of (M, D) rows to each other: the kernel's bandwidth.

    Of more than 4,096 rows, 4,096 at equal steps are taken. UserError if it is 0.
    """
    rows = feature_matrix(rows, least=2, metric="KAD")
    if len(rows) > _MOST:
        rows = rows[np.linspace(0, len(rows) - 1, _MOST).round().astype(int)]
    rows = rows - rows.mean(axis=0)
    median = np.sqrt(np.median(_squared(rows, rows)[np.triu_indices(len(rows), 1)]))
    if not median > 0:
        raise UserError(
            "KAD: most of the reference's embeddings are equal, which gives no bandwidth; "
            "see whether the reference clips are silent"
        )
    return float(median)


def _squared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared distances (M, N) of rows; where `a` is `b`, exactly 0 on the diagonal."""
    squares = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b) - 2 * (a @ b.T)
    if a is b:
        np.fill_diagonal(squares, 0.0)
    return np.maximum(squares, 0.0, out=squares)


def _sums(a: np.ndarray, b: np.ndarray, starts: Sequence[np.ndarray], gamma: float) -> np.ndarray:
    """The kernel summed over the rows of each pair of clips; a block of rows at a time."""
    by_row = np.empty((len(a), len(starts[1])))
    for first in range(0, len(a), _BLOCK):
        block = np.exp(-gamma * _squared(a[first : first + _BLOCK], b))
        by_row[first : first + _BLOCK] = np.add.reduceat(block, starts[1], axis=1)
    return np.add.reduceat(by_row, starts[0], axis=0)


def kernels(generated: Sequence[np.ndarray], reference: Sequence[np.ndarray]) -> Kernels:
    """Of clips with (n_i, D) rows each, n_i at least 1; the bandwidth is the reference's."""
    (a, _), (b, _) = pool(generated, metric="KAD"), pool(reference, metric="KAD")
    if a.shape[1] != b.shape[1]:
        raise UserError(
            f"KAD: embeddings of {a.shape[1]} and {b.shape[1]} dimensions; "
            "both sides need the same backbone"
        )
    bandwidth = median_distance(b)
    gamma, middle = 1 / (2 * bandwidth**2), b.mean(axis=0)
    a, b = a - middle, b - middle
    rows = tuple(np.array([len(clip) for clip in side]) for side in (generated, reference))
    first, second = (np.cumsum(count) - count for count in rows)
    own = _sums(a, a, (first, first), gamma), _sums(b, b, (second, second), gamma)
    for sums, count in zip(own, rows, strict=True):
        sums[np.diag_indices(len(sums))] -= count  # each row with itself: exp(0)
    return Kernels(own, _sums(a, b, (first, second), gamma), rows, bandwidth)


def kad(found: Kernels) -> float:
    """100 times the unbiased squared MMD of all clips; noise can take it below 0."""
    everything = np.arange(len(found.across))
    return float(kad_of_subsets(found, [everything])[0])


def kad_of_subsets(found: Kernels, subsets: Iterable[np.ndarray]) -> np.ndarray:
    """(R,) KAD of the clips at these positions; the bandwidth stays that of all clips."""
    subsets = list(subsets)
    chosen = np.zeros((len(subsets), len(found.across)))
    for row, clips in zip(chosen, subsets, strict=True):
        row[clips] = 1
    means = []
    for sums, count in zip(found.own, found.rows, strict=True):
        rows = chosen @ count
        means.append(_within(sums, chosen) / (rows * (rows - 1)))
    pairs = (chosen @ found.rows[0]) * (chosen @ found.rows[1])
    return SCALE * (means[0] + means[1] - 2 * _within(found.across, chosen) / pairs)


def _within(sums: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """(R,) sums over the pairs of chosen clips."""
    return np.einsum("rn,rn->r", chosen @ sums, chosen)
