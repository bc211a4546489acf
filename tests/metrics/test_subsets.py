import numpy as np
import pytest

from audioldm_bench.errors import UserError
from audioldm_bench.metrics.frechet import frechet_from_features
from audioldm_bench.metrics.infinite import fd_infinite, orders
from audioldm_bench.metrics.subsets import SubsetDistances


def clips(seed, n, dimensions, examples=1, shift=0.0):
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).standard_normal((dimensions, dimensions))
    rows = [rng.standard_normal((examples + i % examples, dimensions)) @ mixing for i in range(n)]
    return [(row + 50 + shift).astype(np.float32) for row in rows]


@pytest.mark.parametrize(
    ("n", "dimensions", "examples"), [(40, 64, 1), (60, 8, 1), (30, 16, 4), (20, 200, 3)]
)
def test_a_subset_scores_as_its_features_alone(n, dimensions, examples):
    a, b = clips(0, n, dimensions, examples, shift=0.5), clips(1, n, dimensions, examples)
    distances = SubsetDistances(a, b)
    for seed in range(3):
        some = np.random.default_rng(seed).permutation(n)[: n // 2]
        one, other = (np.concatenate([side[i] for i in some]) for side in (a, b))
        assert distances(some) == pytest.approx(frechet_from_features(one, other), rel=1e-9)


def test_equal_sides_have_no_distance():
    for dimensions in (64, 6):
        side = clips(0, 30, dimensions)
        assert 0 <= SubsetDistances(side, side)(np.arange(0, 30, 2)) <= 1e-7


def test_refuses_what_gives_no_distance():
    side = clips(0, 10, 4)
    with pytest.raises(UserError, match="pair them by id"):
        SubsetDistances(side, side[1:])
    with pytest.raises(UserError, match="same backbone"):
        SubsetDistances(side, clips(0, 10, 5))
    with pytest.raises(UserError, match="non-finite"):
        SubsetDistances(side, [*side[1:], np.full((1, 4), np.nan, np.float32)])
    with pytest.raises(UserError, match="without features"):
        SubsetDistances(side, [*side[1:], np.zeros((0, 4))])
    with pytest.raises(UserError, match="fewer than 2"):
        SubsetDistances(side, side)(np.array([3]))


def test_extrapolation_finds_the_intercept_of_a_line():
    """Where FD of N clips is 5 + 60 / N, it is 5 at infinity."""
    found = fd_infinite(lambda some: 5 + 60 / len(some), [np.arange(100)])
    assert found.value == pytest.approx(5) and found.slope == pytest.approx(60)
    assert found.sizes[0] == 25 and found.sizes[-1] == 100
    assert found.distances[-1] == pytest.approx(5.6)


def test_extrapolation_takes_the_bias_away():
    """Two samples of one Gaussian: nothing between them but how few they are."""
    rng = np.random.default_rng(3)
    ids = [str(i) for i in range(200)]
    plain, infinite = [], []
    for seed in range(10):
        a, b = (list(rng.standard_normal((200, 1, 10))) for _ in range(2))
        distances = SubsetDistances(a, b)
        plain.append(distances(np.arange(200)))
        infinite.append(fd_infinite(distances, orders(ids, 4, seed)).value)
    assert abs(np.mean(infinite)) < np.mean(plain) / 4
    with pytest.raises(UserError, match="needs at least 8"):
        fd_infinite(distances, [np.arange(3)])


def test_orders_follow_the_ids_not_their_places():
    ids = ["b", "d", "a", "c", "e", "g", "f", "h"]
    one, other = orders(ids, 2, seed=0), orders(sorted(ids), 2, seed=0)
    for here, there in zip(one, other, strict=True):
        assert [ids[i] for i in here] == [sorted(ids)[i] for i in there]
    assert list(one[0]) != list(one[1])
