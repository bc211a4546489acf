"""Inception score: how sure the classifier is of each clip, and how varied the clips are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audioldm_bench.errors import UserError
from audioldm_bench.metrics.checks import feature_matrix


@dataclass(frozen=True)
class InceptionScore:
    mean: float  # over the splits: the value that is reported
    std: float
    splits: int  # that were used


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Along the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _score(log_p: np.ndarray) -> float:
    """exp of the mean divergence of (n, K) log probabilities from their marginal."""
    p = np.exp(log_p)
    # log of the mean probability, from the logs: a class that nobody gets is no log 0
    peak = log_p.max(axis=0)
    log_marginal = peak + np.log(np.exp(log_p - peak).mean(axis=0))
    return float(np.exp((p * (log_p - log_marginal)).sum(axis=1).mean()))


def inception_score(logits: np.ndarray, *, splits: int = 10, seed: int = 2020) -> InceptionScore:
    """Of (N, K) logits: mean over `splits` equal slices after RandomState(seed).permutation(N).

    With fewer clips than splits a slice would be empty and the score not a number (or of one clip,
    and 1 whatever the clip): then all clips make a single split, and `splits` of the result says 1.
    """
    return score_of_log_p(log_probabilities(logits), splits=splits, seed=seed)


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """(N, K) of the classes, from logits of at least two clips."""
    return log_softmax(feature_matrix(logits, least=2, metric="IS"))


def score_of_log_p(log_p: np.ndarray, *, splits: int, seed: int) -> InceptionScore:
    """As `inception_score`, of `log_probabilities`."""
    if splits < 1:
        raise UserError(f"metrics.is_splits: {splits}, must be at least 1")
    n = len(log_p)
    used = splits if n >= splits else 1
    log_p = log_p[np.random.RandomState(seed).permutation(n)]
    scores = [_score(log_p[i * n // used : (i + 1) * n // used]) for i in range(used)]
    return InceptionScore(float(np.mean(scores)), float(np.std(scores)), used)
