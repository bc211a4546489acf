import numpy as np
import pytest

from audioldm_bench.errors import UserError
from audioldm_bench.metrics.bootstrap import halves, interval


def test_halves_are_of_different_clips_and_seeded():
    ids = [f"c{i}" for i in range(11)]
    found = list(halves(ids, replicates=6, seed=0))
    assert all(len(half) == 5 and len(set(half)) == 5 for half in found)
    assert all(list(half) == sorted(half) for half in found)
    assert len({tuple(half) for half in found}) > 1
    again = halves(ids, replicates=3, seed=0)
    assert all((a == b).all() for a, b in zip(found, again, strict=False))
    other = list(halves(ids, replicates=6, seed=1))
    assert any((a != b).any() for a, b in zip(found, other, strict=True))


def test_the_same_clips_whatever_their_order():
    ids = [f"c{i}" for i in range(20)]
    turned = ids[::-1]
    for a, b in zip(
        halves(ids, replicates=4, seed=0), halves(turned, replicates=4, seed=0), strict=True
    ):
        assert {ids[i] for i in a} == {turned[i] for i in b}


def test_of_a_mean_the_interval_is_the_usual_one():
    rng = np.random.default_rng(0)
    values = rng.standard_normal(400)
    ids = [str(i) for i in range(400)]
    means = np.array([values[half].mean() for half in halves(ids, replicates=1000, seed=0)])
    low, high = interval(values.mean(), means, 0.95)
    expected = 1.96 * values.std(ddof=1) / 20
    assert high - values.mean() == pytest.approx(expected, rel=0.1)
    assert values.mean() - low == pytest.approx(expected, rel=0.1)


def test_a_biased_statistic_is_not_moved():
    """Halves that are all 10 too high change nothing about where the interval lies."""
    values = np.linspace(-1, 1, 201)
    assert interval(3.0, values + 10, 0.9) == pytest.approx((2.1, 3.9))
    with pytest.raises(UserError, match="level"):
        interval(3.0, values, 95)
