import math

import numpy as np
import pytest

from audioldm_bench.errors import UserError
from audioldm_bench.metrics.inception import inception_score, log_softmax


def test_sure_and_varied_clips_score_the_number_of_classes():
    logits = 100.0 * np.tile(np.eye(5), (8, 1))
    assert inception_score(logits, splits=1).mean == pytest.approx(5.0)


def test_equal_clips_score_one():
    logits = np.tile(np.random.default_rng(0).standard_normal(7), (40, 1))
    score = inception_score(logits)
    assert score.mean == pytest.approx(1.0) and score.std == pytest.approx(0.0, abs=1e-9)


def test_two_clips_by_hand():
    # Probabilities (3/4, 1/4) and (1/4, 3/4), marginal (1/2, 1/2).
    logits = np.log([[0.75, 0.25], [0.25, 0.75]])
    divergence = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert inception_score(logits, splits=1).mean == pytest.approx(math.exp(divergence))


def test_splits_are_slices_of_the_seeded_permutation():
    logits = np.random.default_rng(1).standard_normal((23, 6)) * 3
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    p = p[np.random.RandomState(2020).permutation(23)]
    scores = []
    for first, last in ((0, 7), (7, 15), (15, 23)):  # 23 * i // 3
        part = p[first:last]
        scores.append(math.exp(np.mean(np.sum(part * np.log(part / part.mean(axis=0)), axis=1))))
    found = inception_score(logits, splits=3)
    assert found.mean == pytest.approx(np.mean(scores))
    assert found.std == pytest.approx(np.std(scores))
    assert found.splits == 3
    assert inception_score(logits, splits=3, seed=1).mean != pytest.approx(found.mean, rel=1e-6)


def test_fewer_clips_than_splits_make_one_split():
    logits = np.random.default_rng(2).standard_normal((9, 4))
    score = inception_score(logits, splits=10)
    assert score == inception_score(logits, splits=1)
    assert score.splits == 1 and score.mean > 1.0
    assert inception_score(np.tile(logits, (2, 1))[:10], splits=10).splits == 10


def test_huge_logits_overflow_nothing():
    assert inception_score(np.array([[2000.0, -2000.0], [-2000.0, 2000.0]])).mean == 2.0
    np.testing.assert_allclose(np.exp(log_softmax(np.array([[1e4, 1e4]]))), [[0.5, 0.5]])


def test_refuses_what_gives_no_score():
    with pytest.raises(UserError, match="at least 2"):
        inception_score(np.ones((1, 4)))
    with pytest.raises(UserError, match="is_splits"):
        inception_score(np.ones((4, 4)), splits=0)
