"""How often two systems that are equal are said to differ: the mark of the benchmark table.

    python benchmarks/false_differences.py [--trials 200] [--replicates 200] [--clips 50 100 400]
                                           [--dimensions 8 64]

A trial draws N reference clips and two systems, each from the same distribution, that answer them:
the systems share what a clip makes of both (`COMMON` of the variance). A difference is marked where
its interval from paired halves leaves out 0; nominal is 5 %. Prints a Markdown table, with the
width of the paired interval by that of two independent ones in parentheses.
"""

from __future__ import annotations

import argparse

import numpy as np

from audioldm_bench.evaluation.estimates import estimate
from audioldm_bench.evaluation.pairs import ClipFeatures
from audioldm_bench.metrics.bootstrap import interval
from audioldm_bench.seeds import derive

CLASSES, COMMON, LEVEL = 20, 0.5, 0.95
NAMES = ("fd_one", "is_one", "kl_softmax_one", "kad_one")
CONFIG = {"fd": "one", "is": "one", "kl": "one", "fad": "one", "is_splits": 10, "is_seed": 2020}


def draw(n: int, dimensions: int, seed: int) -> list[ClipFeatures]:
    """Two equal systems and the reference, of the same n clips."""
    rng = np.random.default_rng(seed)
    size = dimensions + CLASSES
    scales = np.concatenate([1 / np.sqrt(np.arange(1, dimensions + 1)), np.full(CLASSES, 3.0)])
    ids = [f"{number:05d}" for number in range(n)]
    common = np.sqrt(COMMON) * rng.standard_normal((n, size))
    sides = []
    for shift in (0.3, 0.3, 0.0):
        own = common + np.sqrt(1 - COMMON) * rng.standard_normal((n, size))
        rows = (shift + own) * scales
        embeddings = list(rows[:, None, :dimensions])
        sides.append(ClipFeatures(ids, {"one": embeddings}, {"one": rows[:, dimensions:]}))
    return sides


def marked(n: int, dimensions: int, *, trials: int, replicates: int, seed: int = 0) -> dict:
    """By metric: share of trials with a mark, and the paired interval's relative width."""
    config = CONFIG | {"bootstrap": {"replicates": replicates, "level": LEVEL}}
    found: dict[str, list] = {name: [] for name in NAMES}
    for trial in range(trials):
        *systems, reference = draw(n, dimensions, derive(seed, n, dimensions, trial))
        pair = [estimate(s, reference, config, seed=trial, names=NAMES) for s in systems]
        for name in NAMES:
            one, other = (side[name] for side in pair)
            difference = one.value - other.value
            low, high = interval(difference, one.on_halves - other.on_halves, LEVEL)
            apart = np.hypot(one.high - one.low, other.high - other.low)
            found[name].append((low > 0 or high < 0, (high - low) / apart))
    return {name: tuple(np.mean(rows, axis=0)) for name, rows in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--clips", type=int, nargs="+", default=[50, 100, 400])
    parser.add_argument("--dimensions", type=int, nargs="+", default=[8, 64])
    options = parser.parse_args()
    print(f"| clips | dimensions | {' | '.join(NAMES)} |")
    print("|---" * (len(NAMES) + 2) + "|")
    for dimensions in options.dimensions:
        for n in options.clips:
            found = marked(n, dimensions, trials=options.trials, replicates=options.replicates)
            cells = [f"{100 * share:.1f} % ({width:.2f})" for share, width in found.values()]
            print(f"| {n} | {dimensions} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
