"""What every metric asks of its features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audioldm_bench.errors import UserError


def feature_matrix(features: np.ndarray, *, least: int, metric: str) -> np.ndarray:
    """(N, D) as float64; UserError unless it has two axes, `least` rows and finite values."""
    features = np.asarray(features)
    if features.ndim != 2 or features.shape[1] < 1:
        raise UserError(f"{metric}: features must be (clips, dimensions), not {features.shape}")
    if len(features) < least:
        raise UserError(
            f"{metric}: {len(features)} row(s) of features, needs at least {least}; "
            "evaluate more clips"
        )
    features = features.astype(np.float64, copy=False)
    if not np.isfinite(features).all():
        raise UserError(f"{metric}: features hold non-finite values; make the feature file anew")
    return features


def same_clips(ids_a: Sequence[str], ids_b: Sequence[str], *, metric: str) -> None:
    """UserError unless both are the same clips in the same order, each once."""
    if len(set(ids_a)) != len(ids_a):
        raise UserError(f"{metric}: a clip id stands twice in the list; ids must be unique")
    if list(ids_a) != list(ids_b):
        apart = sorted(set(ids_a) ^ set(ids_b))[:3]
        told = f"first unpaired: {', '.join(apart)}" if apart else "same ids, other order"
        raise UserError(f"{metric}: the two sides are not the same clips ({told}); pair them by id")
