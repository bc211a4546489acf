import math

import numpy as np
import pytest

from audioldm_bench.errors import UserError
from audioldm_bench.metrics.kl import EPSILON, kl_sigmoid, kl_softmax

IDS = ["a", "b"]


def test_softmax_form_by_hand():
    target = np.log([[0.5, 0.5], [0.9, 0.1]])
    generated = np.log([[0.8, 0.2], [0.9, 0.1]])
    first = 0.5 * math.log(0.5 / (0.8 + EPSILON)) + 0.5 * math.log(0.5 / (0.2 + EPSILON))
    second = 0.9 * math.log(0.9 / (0.9 + EPSILON)) + 0.1 * math.log(0.1 / (0.1 + EPSILON))
    expected = (first + second) / 2
    assert kl_softmax(generated, target, IDS, IDS) == pytest.approx(expected, rel=1e-12)


def test_sigmoid_form_by_hand():
    p, q = 0.7, 0.4
    target, generated = [[math.log(p / (1 - p))] * 2] * 2, [[math.log(q / (1 - q))] * 2] * 2
    expected = 2 * p * math.log(p / (q + EPSILON))
    assert kl_sigmoid(generated, target, IDS, IDS) == pytest.approx(expected, rel=1e-12)


def test_equal_clips_give_almost_nothing():
    logits = np.random.default_rng(0).standard_normal((2, 527)) * 4
    assert -527 * EPSILON <= kl_softmax(logits, logits, IDS, IDS) <= 0


def test_direction_matters_and_the_target_leads():
    sure, unsure = np.log([[0.99, 0.01]] * 2), np.log([[0.5, 0.5]] * 2)
    assert kl_softmax(sure, unsure, IDS, IDS) > kl_softmax(unsure, sure, IDS, IDS)


def test_wrong_pairs_score_worse():
    rng = np.random.default_rng(1)
    target = rng.standard_normal((30, 8)) * 3
    generated = target + rng.standard_normal((30, 8)) * 0.3
    ids = [str(i) for i in range(30)]
    paired = kl_softmax(generated, target, ids, ids)
    assert paired < kl_softmax(np.roll(generated, 1, axis=0), target, ids, ids)


def test_huge_logits_stay_finite():
    target, generated = np.array([[5e3, -5e3]] * 2), np.array([[-5e3, 5e3]] * 2)
    assert kl_softmax(generated, target, IDS, IDS) == pytest.approx(-math.log(EPSILON))
    assert math.isfinite(kl_sigmoid(generated, target, IDS, IDS))


@pytest.mark.parametrize("form", [kl_softmax, kl_sigmoid])
def test_refuses_what_are_no_pairs(form):
    logits = np.zeros((2, 3))
    with pytest.raises(UserError, match="first unpaired: b, c"):
        form(logits, logits, ["a", "b"], ["a", "c"])
    with pytest.raises(UserError, match="other order"):
        form(logits, logits, ["a", "b"], ["b", "a"])
    with pytest.raises(UserError, match="twice"):
        form(logits, logits, ["a", "a"], ["a", "a"])
    with pytest.raises(UserError, match="same clips and backbone"):
        form(logits, np.zeros((2, 4)), IDS, IDS)
    with pytest.raises(UserError, match="at least 1"):
        form(np.zeros((0, 3)), np.zeros((0, 3)), [], [])
