"""Kullback-Leibler divergence between what the classifier says of a clip and of its target."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audioldm_bench.errors import UserError
from audioldm_bench.metrics.checks import feature_matrix, same_clips
from audioldm_bench.metrics.inception import log_softmax

# Added to the generated side's probabilities [code]. A pair of equal clips thus gives a little
# less than 0: at least -1e-6 times the number of classes.
EPSILON = 1e-6


def _pairs(generated, target, ids_generated, ids_target) -> tuple[np.ndarray, np.ndarray]:
    same_clips(ids_generated, ids_target, metric="KL")
    generated = feature_matrix(generated, least=1, metric="KL")
    target = feature_matrix(target, least=1, metric="KL")
    if generated.shape != target.shape or len(generated) != len(ids_generated):
        raise UserError(
            f"KL: logits of shape {generated.shape} and {target.shape} for "
            f"{len(ids_generated)} clips; both sides need the same clips and backbone"
        )
    return generated, target


def softmax_divergences(
    generated: np.ndarray,
    target: np.ndarray,
    ids_generated: Sequence[str],
    ids_target: Sequence[str],
) -> np.ndarray:
    """(N,) KL(softmax(target) || softmax(generated) + 1e-6) of each pair, summed over classes.

    Logits are (N, K), row by row of the same clips.
    """
    generated, target = _pairs(generated, target, ids_generated, ids_target)
    log_p = log_softmax(target)
    log_q = np.log(np.exp(log_softmax(generated)) + EPSILON)
    return (np.exp(log_p) * (log_p - log_q)).sum(axis=1)


def sigmoid_divergences(
    generated: np.ndarray,
    target: np.ndarray,
    ids_generated: Sequence[str],
    ids_target: Sequence[str],
) -> np.ndarray:
    """(N,) as `softmax_divergences`, with each class's own sigmoid."""
    generated, target = _pairs(generated, target, ids_generated, ids_target)
    log_p = -np.logaddexp(0.0, -target)
    log_q = np.log(np.exp(-np.logaddexp(0.0, -generated)) + EPSILON)
    return (np.exp(log_p) * (log_p - log_q)).sum(axis=1)


def kl_softmax(
    generated: np.ndarray,
    target: np.ndarray,
    ids_generated: Sequence[str],
    ids_target: Sequence[str],
) -> float:
    """Mean over the pairs of `softmax_divergences`: the form that papers report."""
    return float(softmax_divergences(generated, target, ids_generated, ids_target).mean())


def kl_sigmoid(
    generated: np.ndarray,
    target: np.ndarray,
    ids_generated: Sequence[str],
    ids_target: Sequence[str],
) -> float:
    """Mean over the pairs of `sigmoid_divergences`: for clips of several classes [code].

    Its probabilities do not sum to 1, so it can be negative.
    """
    return float(sigmoid_divergences(generated, target, ids_generated, ids_target).mean())
