"""Fréchet distance between two sets of embeddings: FD (PANNs) and FAD (VGGish)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audioldm_bench.errors import UserError
from audioldm_bench.metrics.checks import feature_matrix


@dataclass(frozen=True)
class Gaussian:
    """Mean and covariance of a set of features.

    The covariance (n - 1 in the denominator) is held as a root: root.T @ root, with root of shape
    (min(n, D), D), so that no D x D matrix is made for few clips, nor an n x D one for many.
    """

    n: int
    mean: np.ndarray  # (D,)
    root: np.ndarray  # (min(n, D), D)

    @property
    def covariance(self) -> np.ndarray:
        return self.root.T @ self.root

    @property
    def variance(self) -> float:
        """Trace of the covariance."""
        return float(np.sum(self.root**2))


def gaussian(features: np.ndarray) -> Gaussian:
    """Statistics of (N, D) features, N at least 2."""
    features = feature_matrix(features, least=2, metric="Fréchet distance")
    n, dimensions = features.shape
    mean = features.mean(axis=0)
    root = (features - mean) / np.sqrt(n - 1)
    if n > dimensions:
        root = np.linalg.qr(root, mode="r")  # same root.T @ root, D rows
    return Gaussian(n, mean, root)


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """|mean_a - mean_b|^2 + tr(A + B - 2 (A B)^(1/2)); at least 0, symmetric.

    tr (A B)^(1/2) is the sum of the singular values of root_a @ root_b.T: real, exact for rank
    deficient covariances, and fast, where a matrix root is neither.
    """
    if a.mean.shape != b.mean.shape:
        raise UserError(
            f"Fréchet distance: embeddings of {len(a.mean)} and {len(b.mean)} dimensions; "
            "both sides need the same backbone"
        )
    overlap = np.linalg.svd(a.root @ b.root.T, compute_uv=False).sum()
    apart = np.sum((a.mean - b.mean) ** 2)
    # Rounding can leave -1e-13 where the two are the same.
    return float(max(0.0, apart + a.variance + b.variance - 2.0 * overlap))


def frechet_from_features(features_a: np.ndarray, features_b: np.ndarray) -> float:
    """Fréchet distance of (N, D) and (M, D) features."""
    return frechet_distance(gaussian(features_a), gaussian(features_b))
