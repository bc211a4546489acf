"""The paper's metrics by their short names."""

from __future__ import annotations

from collections.abc import Mapping

from audioldm_bench.metrics.registry import PAPER, configured

METRICS = tuple(PAPER)  # in the paper's order


def metric_names(metrics_config: Mapping) -> dict[str, str]:
    """Full names with variant and backbone, by short name."""
    return configured(metrics_config)
