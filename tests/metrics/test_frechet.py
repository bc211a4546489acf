import time

import numpy as np
import pytest
import scipy.linalg

from audioldm_bench.errors import UserError
from audioldm_bench.metrics.frechet import frechet_distance, frechet_from_features, gaussian


def draw(seed, n, dimensions):
    """Correlated, skewed features, as embeddings after a ReLU are."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).standard_normal((dimensions, dimensions))
    return np.maximum(rng.standard_normal((n, dimensions)) @ mixing + 0.3, 0).astype(np.float32)


def by_matrix_root(a, b):
    """The textbook form."""
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = np.real(scipy.linalg.sqrtm(cov_a @ cov_b))
    apart = a.mean(axis=0, dtype=np.float64) - b.mean(axis=0, dtype=np.float64)
    return apart @ apart + np.trace(cov_a + cov_b - 2 * root)


@pytest.mark.parametrize(("n", "m"), [(200, 200), (50, 300), (17, 40)])
def test_equals_the_form_with_a_matrix_root(n, m):
    a, b = draw(0, n, 16), draw(1, m, 16) * 1.3
    assert frechet_from_features(a, b) == pytest.approx(by_matrix_root(a, b), rel=1e-8)


def test_fewer_clips_than_dimensions():
    """The covariance has rank n - 1: with one direction a side all is closed form."""
    e = np.eye(50)
    a = np.stack([2 * e[0], -2 * e[0]])  # variance 8 along the first axis
    b = np.stack([e[1], 5 * e[1]])  # mean 3 and variance 8 along the second
    assert frechet_from_features(a, b) == pytest.approx(9 + 8 + 8)
    assert frechet_from_features(a, 3 * a) == pytest.approx(8 * (3 - 1) ** 2)


@pytest.mark.parametrize(("n", "dimensions"), [(300, 64), (40, 256)])
def test_identity_is_zero(n, dimensions):
    features = draw(2, n, dimensions)
    assert 0 <= frechet_from_features(features, features) <= 1e-9
    assert 0 <= frechet_from_features(features, features[::-1]) <= 1e-9


def test_is_symmetric():
    a, b = gaussian(draw(3, 60, 32)), gaussian(draw(4, 20, 32))
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-12)


def test_one_dimension_in_closed_form():
    a, b = np.array([[0.0], [2.0]]), np.array([[10.0], [16.0]])
    # means 1 and 13, standard deviations sqrt(2) and sqrt(18)
    assert frechet_from_features(a, b) == pytest.approx(12**2 + (18**0.5 - 2**0.5) ** 2)


def test_grows_with_a_shift():
    a = draw(5, 80, 24)
    values = [frechet_from_features(a + shift, a) for shift in (0.0, 0.1, 0.5, 1.0, 3.0)]
    assert values == sorted(values) and len(set(values)) == len(values)
    assert values[3] == pytest.approx(24 * 1.0**2, rel=1e-5)


def test_statistics_are_those_of_numpy():
    for n in (10, 100):
        features = draw(6, n, 30)
        found = gaussian(features)
        np.testing.assert_allclose(found.covariance, np.cov(features, rowvar=False), atol=1e-5)
        np.testing.assert_allclose(found.mean, features.mean(axis=0), rtol=1e-5)
        assert found.variance == pytest.approx(np.trace(np.cov(features, rowvar=False)), rel=1e-5)


@pytest.mark.parametrize(
    ("features", "words"),
    [
        (np.ones((1, 4)), "needs at least 2"),
        (np.ones((0, 4)), "0 row"),
        (np.ones(4), "must be"),
        (np.array([[1.0, np.nan], [0.0, 1.0]]), "non-finite"),
    ],
)
def test_refuses_features_that_give_no_figure(features, words):
    with pytest.raises(UserError, match=words):
        gaussian(features)


def test_refuses_two_backbones():
    with pytest.raises(UserError, match="same backbone"):
        frechet_from_features(draw(0, 9, 3), draw(0, 9, 4))


def test_two_gaussians_in_closed_form():
    """Diagonal covariances, met exactly: rows at +-sqrt of the variances along the axes."""
    deviations, wider = np.array([1.0, 2.0, 3.0]), np.array([4.0, 2.0, 0.5])
    shift = np.array([1.0, -2.0, 0.5])

    def exact(deviation, mean):
        rows = np.concatenate([np.diag(deviation), -np.diag(deviation)])
        return rows * np.sqrt((len(rows) - 1) / 2) + mean  # covariance diag(deviation^2)

    a, b = exact(deviations, 0 * shift), exact(wider, shift)
    expected = np.sum(shift**2) + np.sum((deviations - wider) ** 2)
    assert frechet_from_features(a, b) == pytest.approx(expected, rel=1e-12)


def test_900_clips_of_2048_dimensions_take_less_than_a_second_and_a_half():
    """0.5 s on two idle cores (docs/metrics.md); processor time, so that other work is not ours."""
    a, b = (np.random.default_rng(seed).standard_normal((900, 2048)) for seed in (0, 1))
    times = []
    for _ in range(3):
        start = time.process_time()
        frechet_from_features(a, b)
        times.append(time.process_time() - start)
    assert min(times) < 1.5
