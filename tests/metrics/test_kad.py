import numpy as np
import pytest

from audioldm_bench.errors import UserError
from audioldm_bench.metrics import kad as module
from audioldm_bench.metrics.kad import SCALE, kad, kad_of_subsets, kernels, median_distance


def by_loops(a, b):
    """Unbiased squared MMD, one pair after the other."""
    pairs = [(i, j) for i in range(len(b)) for j in range(i)]
    width = np.median([np.linalg.norm(b[i] - b[j]) for i, j in pairs])

    def k(x, y):
        return np.exp(-np.sum((x - y) ** 2) / (2 * width**2))

    def within(rows):
        n = len(rows)
        return sum(k(rows[i], rows[j]) for i in range(n) for j in range(n) if i != j) / n / (n - 1)

    across = np.mean([k(x, y) for x in a for y in b])
    return SCALE * (within(a) + within(b) - 2 * across)


def clips(seed, n, examples, shift=0.0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((1 + i % examples, 5)) + 20 + shift for i in range(n)]


@pytest.mark.parametrize("examples", [1, 3])
def test_equals_a_plain_loop(examples, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", 7)  # several blocks
    a, b = clips(0, 16, examples, 0.4), clips(1, 16, examples)
    found = kernels(a, b)
    assert kad(found) == pytest.approx(by_loops(np.concatenate(a), np.concatenate(b)), rel=1e-9)


def test_subsets_keep_the_bandwidth_of_all():
    a, b = clips(0, 20, 3, 0.4), clips(1, 20, 3)
    found = kernels(a, b)
    half = np.array([0, 2, 3, 7, 11, 13, 17, 18, 19])
    rows = [np.concatenate([side[i] for i in half]) for side in (a, b)]

    def k(x, y):
        squares = ((x[:, None] - y[None]) ** 2).sum(axis=2)
        return np.exp(-squares / (2 * found.bandwidth**2))

    own = [(k(x, x).sum() - len(x)) / len(x) / (len(x) - 1) for x in rows]
    expected = SCALE * (sum(own) - 2 * k(*rows).mean())
    values = kad_of_subsets(found, [half, np.arange(20)])
    assert values == pytest.approx([expected, kad(found)], rel=1e-9)


def test_is_unbiased_and_grows_with_a_shift():
    """Samples of one distribution score about 0, on both sides of it."""
    same = [kad(kernels(clips(2 * s, 40, 1), clips(2 * s + 1, 40, 1))) for s in range(20)]
    assert min(same) < 0 < max(same) and abs(np.mean(same)) < np.std(same)
    values = [kad(kernels(clips(0, 40, 1, shift), clips(1, 40, 1))) for shift in (0, 0.5, 1, 3)]
    assert values == sorted(values)


def test_does_not_depend_on_the_scale():
    a, b = clips(0, 12, 1, 0.4), clips(1, 12, 1)
    bigger = kernels([8 * x for x in a], [8 * x for x in b])
    assert kad(bigger) == pytest.approx(kad(kernels(a, b)), rel=1e-9)


def test_bandwidth_of_many_rows_is_that_of_some(monkeypatch):
    rows = np.random.default_rng(0).standard_normal((500, 4))
    whole = median_distance(rows)
    monkeypatch.setattr(module, "_MOST", 100)
    assert median_distance(rows) == pytest.approx(whole, rel=0.1)


def test_refuses_what_gives_no_figure():
    with pytest.raises(UserError, match="silent"):
        kernels(clips(0, 5, 1), [np.ones((1, 5))] * 5)
    with pytest.raises(UserError, match="same backbone"):
        kernels(clips(0, 5, 1), [np.ones((1, 4))] * 5)
    with pytest.raises(UserError, match="non-finite"):
        kernels([np.full((1, 5), np.inf)] * 5, clips(0, 5, 1))
