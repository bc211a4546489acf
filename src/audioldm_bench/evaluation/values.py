"""The metrics of two sets of features of the same clips."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from audioldm_bench.errors import UserError
from audioldm_bench.evaluation.pairs import ClipFeatures
from audioldm_bench.metrics.frechet import Gaussian, frechet_distance, gaussian
from audioldm_bench.metrics.inception import inception_score
from audioldm_bench.metrics.kl import kl_sigmoid, kl_softmax

METRICS = ("fd", "is", "kl", "fad")  # the paper's, in its order


def metric_names(metrics_config: Mapping) -> dict[str, str]:
    """Full names with variant and backbone, by short name."""
    variants = {"fd": "fd", "is": "is", "kl": "kl_softmax", "fad": "fad"}
    names = {metric: f"{variants[metric]}_{metrics_config[metric]}" for metric in METRICS}
    return names | {"kl_sigmoid": f"kl_sigmoid_{metrics_config['kl']}"}


def reference_statistics(reference: ClipFeatures, metrics_config: Mapping) -> dict[str, Gaussian]:
    """Gaussians of the reference's embeddings, by backbone of FD and FAD."""
    names = {metrics_config["fd"], metrics_config["fad"]}
    for name in names:
        if name not in reference.embeddings:
            raise UserError(f"metrics: no features of backbone '{name}'; extract them first")
    return {name: gaussian(reference.rows(name)) for name in names}


def compute_metrics(
    generated: ClipFeatures,
    reference: ClipFeatures,
    statistics: Mapping[str, Gaussian],
    metrics_config: Mapping,
) -> dict:
    """The four metrics of the paper, and what goes with them, by short name.

    `statistics` are `reference_statistics`. IS is of the generated clips; "is_splits" says how
    many splits were used: 1 where there are fewer clips than metrics.is_splits.
    """
    score = inception_score(
        _logits(generated, metrics_config, "is"),
        splits=metrics_config["is_splits"],
        seed=metrics_config["is_seed"],
    )
    pair = (_logits(generated, metrics_config, "kl"), _logits(reference, metrics_config, "kl"))
    pairs = (*pair, generated.ids, reference.ids)
    distances = {
        metric: frechet_distance(
            gaussian(generated.rows(metrics_config[metric])), statistics[metrics_config[metric]]
        )
        for metric in ("fd", "fad")
    }
    return distances | {
        "is": score.mean,
        "is_std": score.std,
        "is_splits": score.splits,
        "kl": kl_softmax(*pairs),
        "kl_sigmoid": kl_sigmoid(*pairs),
    }


def _logits(features: ClipFeatures, metrics_config: Mapping, metric: str) -> np.ndarray:
    backbone = metrics_config[metric]
    if backbone not in features.logits:
        raise UserError(f"metrics.{metric}: backbone '{backbone}' gives no logits; choose another")
    return features.logits[backbone]
