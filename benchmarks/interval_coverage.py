"""How often the intervals of the metrics hold what they should: drawn clips of known distributions.

    python benchmarks/interval_coverage.py [--trials 200] [--replicates 200]
                                           [--clips 50 100 200 400] [--dimensions 8 64 512]

A trial draws N paired clips: reference embeddings from a Gaussian whose variances fall as 1/k, the
generated ones from another with a shift and other variances; logits likewise. The truth that an
interval at N clips should hold is the metric's expectation at N clips, its bias included: the mean
of all trials. Nominal coverage is 95 %; with 200 trials a share is known to about 1.6 points.
Prints a Markdown table; width is the mean length of the intervals by the spread of the values
times 3.92, 1 where it is as wide as it has to be.
"""

from __future__ import annotations

import argparse

import numpy as np

from audioldm_bench.evaluation.estimates import estimate
from audioldm_bench.evaluation.pairs import ClipFeatures
from audioldm_bench.seeds import derive

CLASSES, EXAMPLES = 20, 5
NAMES = ("fd_one", "fad_many", "is_one", "kl_softmax_one", "kad_one", "fd_infinite_one")
CONFIG = {"fd": "one", "is": "one", "kl": "one", "fad": "many", "is_splits": 10, "is_seed": 2020}


def draw(n: int, dimensions: int, seed: int) -> tuple[ClipFeatures, ClipFeatures]:
    """A generated and a reference side of the same n clips, which are alike in pairs."""
    rng = np.random.default_rng(seed)
    scales = 1 / np.sqrt(np.arange(1, dimensions + 1))
    ids = [f"{number:05d}" for number in range(n)]
    common = rng.standard_normal((n, dimensions))
    sides = []
    for shift, width in ((0.3, 1.4), (0.0, 1.0)):
        own = 0.6 * common + 0.8 * rng.standard_normal((n, dimensions))
        clips = (shift + width * own) * scales
        most = min(dimensions, 128)  # as VGGish
        spread = rng.standard_normal((n, EXAMPLES, most)) * scales[:most]
        examples = clips[:, None, :most] + 0.5 * spread
        logits = 3 * rng.standard_normal((n, CLASSES)) + common[:, :1]
        sides.append(
            ClipFeatures(
                ids, {"one": list(clips[:, None]), "many": list(examples)}, {"one": logits}
            )
        )
    return sides[0], sides[1]


def coverage(
    n: int, dimensions: int, *, trials: int, replicates: int, seed: int = 0, names=NAMES
) -> dict:
    """By metric: share of intervals that hold the mean of all trials, and their relative width."""
    config = CONFIG | {"bootstrap": {"replicates": replicates, "level": 0.95}}
    found: dict[str, list] = {name: [] for name in names}
    for trial in range(trials):
        sides = draw(n, dimensions, derive(seed, n, dimensions, trial))
        for name, one in estimate(*sides, config, seed=trial, names=names).items():
            found[name].append((one.value, one.low, one.high))
    result = {}
    for name, rows in found.items():
        value, low, high = np.array(rows).T
        truth = value.mean()
        held = float(np.mean((low <= truth) & (truth <= high)))
        width = float(np.mean(high - low) / (3.92 * value.std(ddof=1)))
        result[name] = (held, width)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--clips", type=int, nargs="+", default=[50, 100, 200, 400])
    parser.add_argument("--dimensions", type=int, nargs="+", default=[8, 64, 512])
    options = parser.parse_args()
    print(
        f"| clips | dimensions | {' | '.join(NAMES)} |", "|---" * (len(NAMES) + 2) + "|", sep="\n"
    )
    for dimensions in options.dimensions:
        for n in options.clips:
            found = coverage(n, dimensions, trials=options.trials, replicates=options.replicates)
            cells = [f"{100 * held:.0f} % ({width:.2f})" for held, width in found.values()]
            print(f"| {n} | {dimensions} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
