"""Values with intervals: what each metric gives, and that the intervals hold what they should."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from audioldm_bench.errors import UserError
from audioldm_bench.evaluation.estimates import estimate
from audioldm_bench.evaluation.pairs import ClipFeatures
from audioldm_bench.metrics.bootstrap import halves
from audioldm_bench.metrics.frechet import frechet_from_features
from audioldm_bench.metrics.inception import inception_score
from audioldm_bench.metrics.kl import kl_softmax
from audioldm_bench.metrics.registry import configured

ALSO = ["kad_tagger", "fd_infinite_tagger", "fd_embedder", "clap_score_clap"]
CONFIG = {"fd": "tagger", "is": "tagger", "kl": "tagger", "fad": "embedder"}
CONFIG |= {"is_splits": 4, "is_seed": 2020, "also": ALSO}
CONFIG |= {"bootstrap": {"replicates": 30, "level": 0.9}}


def side(seed, n=24, shift=0.0):
    rng = np.random.default_rng(seed)
    ids = [f"{i:03d}" for i in range(n)]
    rows = {
        "tagger": [rng.standard_normal((1, 6)) + shift for _ in ids],
        "embedder": [rng.standard_normal((1 + i % 3, 5)) + shift for i in range(n)],
        "clap": [rng.standard_normal((1, 7)) for _ in ids],
    }
    return ClipFeatures(ids, rows, {"tagger": rng.standard_normal((n, 4)) * 2})


def captions(n=24):
    return np.random.default_rng(9).standard_normal((n, 7))


def test_every_configured_metric_has_a_value_within_its_interval():
    found = estimate(side(0, shift=0.5), side(1), CONFIG, seed=0, captions=captions())
    assert list(found) == list(configured(CONFIG).values())
    for one in found.values():
        assert one.low < one.value < one.high and one.n == 24
        assert one.on_halves.shape == (30,) and np.isfinite(one.on_halves).all()
    assert found["fad_embedder"].extra == {"rows_generated": 48, "rows_reference": 48}
    assert found["fd_tagger"].extra == {}
    assert found["is_tagger"].extra["splits"] == 4
    assert found["kad_tagger"].extra["bandwidth"] > 0
    assert found["fd_infinite_tagger"].value < found["fd_tagger"].value


def test_halves_are_scored_as_they_would_be_alone():
    a, b = side(0, shift=0.5), side(1)
    found = estimate(a, b, CONFIG, seed=3, captions=captions())
    for number, half in enumerate(halves(a.ids, replicates=30, seed=3)):
        one, other = (np.concatenate([s.embeddings["tagger"][i] for i in half]) for s in (a, b))
        fd = found["fd_tagger"].on_halves[number]
        assert fd == pytest.approx(frechet_from_features(one, other), rel=1e-9)
        logits = a.logits["tagger"][half], b.logits["tagger"][half]
        names = [a.ids[i] for i in half]
        kl = kl_softmax(*logits, names, names)
        assert found["kl_softmax_tagger"].on_halves[number] == pytest.approx(kl)
        # 4 slices of 6 clips: of half as many clips 2 slices of 6
        score = inception_score(logits[0], splits=2).mean
        assert found["is_tagger"].on_halves[number] == pytest.approx(score)


def test_a_system_against_itself_has_an_interval_of_nothing():
    a = side(0)
    found = estimate(a, a, CONFIG, seed=0, names=["fd_tagger", "fad_embedder"])
    for one in found.values():
        assert 0 <= one.low <= one.value <= 1e-9 and one.high <= 1e-6


def test_few_clips_or_no_replicates_give_no_interval_and_say_why():
    few = estimate(side(0, 7), side(1, 7), CONFIG, seed=0, names=["fd_tagger"])["fd_tagger"]
    assert (few.low, few.high, few.on_halves) == (None, None, None)
    assert few.extra["why"] == "7 clips; an interval needs at least 8"
    none = CONFIG | {"bootstrap": {"replicates": 0, "level": 0.95}}
    found = estimate(side(0), side(1), none, seed=0, captions=captions())
    assert all(one.low is None and "replicates" in one.extra["why"] for one in found.values())
    assert found["fd_tagger"].value == pytest.approx(
        estimate(side(0), side(1), CONFIG, seed=5, names=["fd_tagger"])["fd_tagger"].value
    )


def test_refuses_what_gives_no_figure():
    a, b = side(0), side(1)
    with pytest.raises(UserError, match="captions' embeddings, which are not given"):
        estimate(a, b, CONFIG, seed=0)
    with pytest.raises(UserError, match="same CLAP"):
        estimate(a, b, CONFIG, seed=0, captions=captions()[:, :3])
    with pytest.raises(UserError, match="write clap_score_clap"):
        estimate(a, b, CONFIG, seed=0, captions=captions(), names=["clap_score_embedder"])
    with pytest.raises(UserError, match="'embedder' gives no logits"):
        estimate(a, b, CONFIG, seed=0, names=["kl_softmax_embedder"])
    with pytest.raises(UserError, match="no features of backbone 'vggish'"):
        estimate(a, b, CONFIG, seed=0, names=["kad_vggish"])
    with pytest.raises(UserError, match="needs at least 8"):
        estimate(side(0, 3), side(1, 3), CONFIG, seed=0, names=["fd_infinite_tagger"])
    bad = side(0)
    bad.embeddings["tagger"][3][0, 0] = np.nan
    for name in ("fd_tagger", "kad_tagger", "fd_infinite_tagger"):
        with pytest.raises(UserError, match="non-finite"):
            estimate(bad, b, CONFIG, seed=0, names=[name])


def test_intervals_hold_the_expectation_as_often_as_they_say():
    """95 % of the time; of 40 trials 33 or fewer would be chance once in 4,000."""
    path = Path(__file__).parents[2] / "benchmarks" / "interval_coverage.py"
    spec = importlib.util.spec_from_file_location("interval_coverage", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    names = ("fd_one", "kl_softmax_one", "kad_one", "is_one")
    found = module.coverage(60, 8, trials=40, replicates=40, names=names)
    for held, width in found.values():
        assert held > 33 / 40
        assert 0.7 < width < 1.5
