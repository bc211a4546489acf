"""Metrics with their intervals, from the features of two sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from audioldm_bench.evaluation.pairs import ClipFeatures
from audioldm_bench.evaluation.variants import MEASURES, Sides
from audioldm_bench.metrics.bootstrap import LEAST, halves, interval
from audioldm_bench.metrics.registry import VARIANTS, configured, parse_name


@dataclass(frozen=True)
class Estimate:
    """A metric's value and its interval."""

    value: float
    low: float | None  # None where there is no interval; extra["why"] says why
    high: float | None
    n: int  # clips
    extra: dict = field(default_factory=dict)  # what else belongs to the value, for metrics.json
    on_halves: np.ndarray | None = None  # (R,) the metric on each of bootstrap.halves(ids)


def estimate(
    generated: ClipFeatures,
    reference: ClipFeatures,
    metrics_config: Mapping,
    *,
    seed: int,
    captions: np.ndarray | None = None,
    names: Sequence[str] | None = None,
    after_each: Callable[[], None] | None = None,
) -> dict[str, Estimate]:
    """Estimates by full name, of `names` or of all that `metrics_config` asks for.

    Both sides hold the same clips in the same order. `captions` are the CLAP embeddings (N, P) of
    the clips' captions, for clap_score. Systems of the same clips and seed have the same halves:
    the interval of a difference is `bootstrap.interval` of the difference of their `on_halves`.
    There is no interval where `metrics_config` has no "bootstrap" or asks for 0 replicates.
    `after_each` is called after each metric.
    """
    replicates, level, why = plan(metrics_config, len(generated.ids))
    chosen = list(halves(generated.ids, replicates=replicates, seed=seed))
    sides = Sides(generated, reference, metrics_config, seed, captions)
    found = {}
    for full in dict.fromkeys(configured(metrics_config).values() if names is None else names):
        variant, backbone = parse_name(full)
        measured = MEASURES[variant](sides, backbone, chosen)
        low, high, extra = None, None, dict(measured.extra)
        if why:
            extra["why"] = why
        else:
            low, high = interval(measured.value, measured.on_halves, level)
            least = VARIANTS[variant].least
            low, high = (low, high) if least is None else (max(low, least), max(high, least))
        on_halves = None if why else measured.on_halves
        found[full] = Estimate(measured.value, low, high, sides.n, extra, on_halves)
        if after_each:
            after_each()
    return found


def plan(metrics_config: Mapping, n: int) -> tuple[int, float, str]:
    """(replicates, level, why there is no interval: "" if there is one) for `n` clips."""
    settings = metrics_config.get("bootstrap") or {"replicates": 0, "level": 0.95}
    replicates, level = settings["replicates"], settings["level"]
    if not replicates:
        return 0, level, "metrics.bootstrap.replicates is 0"
    if n < LEAST:
        return 0, level, f"{n} clips; an interval needs at least {LEAST}"
    return replicates, level, ""
