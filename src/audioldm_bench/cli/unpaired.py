"""Metrics of two folders whose file names mean nothing: distances of the folders as a whole.

Each side has its own number of clips, and its own random halves for the intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from audioldm_bench.evaluation.estimates import Estimate, estimate, plan
from audioldm_bench.evaluation.pairs import ClipFeatures
from audioldm_bench.metrics.bootstrap import halves, interval
from audioldm_bench.metrics.frechet import frechet_from_features
from audioldm_bench.metrics.kad import SCALE, kernels
from audioldm_bench.metrics.registry import VARIANTS, parse_name
from audioldm_bench.seeds import derive

Statistic = Callable[[np.ndarray, np.ndarray], float]  # of positions of clips on both sides
WHY_NOT = "it compares each clip with the one of its name, and the folders are not paired"


def left_out(names: Sequence[str]) -> dict[str, str]:
    """Reasons by full name, of metrics that compare a clip with the real one of its name."""
    kinds = {name: VARIANTS[parse_name(name)[0]] for name in names}
    return {name: WHY_NOT for name, kind in kinds.items() if kind.paired and kind.needs != "text"}


def estimate_unpaired(
    generated: ClipFeatures,
    reference: ClipFeatures,
    metrics_config: Mapping,
    *,
    seed: int,
    names: Sequence[str],
    captions: np.ndarray | None = None,
    after_each: Callable[[], None] | None = None,
) -> dict[str, Estimate]:
    """Estimates by full name; `names` are without those of `left_out`.

    `captions` are the CLAP embeddings (N, P) of the generated clips' captions. IS and CLAP score
    ask nothing of the reference. FD of infinite clips lets both sides grow together, to as many
    clips as the smaller one has, drawn by `seed`. `after_each` is called after each metric.
    """
    found = {}
    for name in names:
        variant, backbone = parse_name(name)
        if variant in _STATISTICS:
            statistic = _STATISTICS[variant](generated, reference, backbone)
            found[name] = _with_interval(statistic, generated, reference, metrics_config, seed)
            if (least := VARIANTS[variant].least) is not None and found[name].low is not None:
                found[name] = replace(found[name], low=max(least, found[name].low))
            if after_each:
                after_each()
            continue
        sides = (generated, generated)
        if variant == "fd_infinite":
            sides = _of_equal_size(generated, reference, backbone, seed)
        given = {"seed": seed, "captions": captions, "names": [name], "after_each": after_each}
        found |= estimate(*sides, metrics_config, **given)
    return found


def _with_interval(
    statistic: Statistic,
    generated: ClipFeatures,
    reference: ClipFeatures,
    metrics_config: Mapping,
    seed: int,
) -> Estimate:
    sides = (generated.ids, reference.ids)
    counts = [len(ids) for ids in sides]
    extra = {"n_reference": counts[1]}
    value = statistic(*map(np.arange, counts))
    replicates, level, why = plan(metrics_config, min(counts))
    if why:
        return Estimate(value, None, None, counts[0], extra | {"why": why})
    draws = [
        halves(ids, replicates=replicates, seed=derive(seed, key))  # others on each side, also
        for ids, key in zip(sides, ("generated", "reference"), strict=True)  # where names agree
    ]
    on_halves = np.array([statistic(*pair) for pair in zip(*draws, strict=True)])
    return Estimate(value, *interval(value, on_halves, level), counts[0], extra, on_halves)


def _of_equal_size(
    generated: ClipFeatures, reference: ClipFeatures, backbone: str, seed: int
) -> tuple[ClipFeatures, ClipFeatures]:
    """As many random clips of each side as the smaller has; their pairs mean nothing."""
    n = min(len(generated.ids), len(reference.ids))
    ids, sides = [f"{number:08d}" for number in range(n)], []
    for side, key in ((generated, "generated"), (reference, "reference")):
        order = np.random.default_rng(derive(seed, "unpaired", key)).permutation(len(side.ids))
        rows = [side.embeddings[backbone][i] for i in order[:n]]
        sides.append(replace(side, ids=ids, embeddings={backbone: rows}, logits={}))
    return sides[0], sides[1]


def _frechet(generated: ClipFeatures, reference: ClipFeatures, backbone: str) -> Statistic:
    sides = (generated.embeddings[backbone], reference.embeddings[backbone])

    def statistic(*clips: np.ndarray) -> float:
        rows = [[side[i] for i in chosen] for side, chosen in zip(sides, clips, strict=True)]
        return frechet_from_features(*map(np.concatenate, rows))

    return statistic


def _kad(generated: ClipFeatures, reference: ClipFeatures, backbone: str) -> Statistic:
    found = kernels(generated.embeddings[backbone], reference.embeddings[backbone])

    def statistic(*clips: np.ndarray) -> float:
        rows = [int(count[chosen].sum()) for count, chosen in zip(found.rows, clips, strict=True)]
        value = -2 * found.across[np.ix_(*clips)].sum() / (rows[0] * rows[1])
        for sums, chosen, count in zip(found.own, clips, rows, strict=True):
            value += sums[np.ix_(chosen, chosen)].sum() / (count * (count - 1))
        return float(SCALE * value)

    return statistic


_STATISTICS = {"fd": _frechet, "fad": _frechet, "kad": _kad}
