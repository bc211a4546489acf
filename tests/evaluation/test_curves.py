"""Figure 1's curves: what a mixture scores, what the bands mean, and the claims beside them."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from audioldm_bench.errors import UserError
from audioldm_bench.evaluation.claims import judge
from audioldm_bench.evaluation.curves import (
    HALVES,
    Curve,
    _halves_in_order,
    _nested_masks,
    corruption_curves,
)
from audioldm_bench.evaluation.figure1 import write_figure1
from audioldm_bench.evaluation.mixtures import (
    DivergenceOfMixtures,
    FrechetOfMixtures,
    InceptionOfMixtures,
)
from audioldm_bench.evaluation.pairs import ClipFeatures
from audioldm_bench.metrics.frechet import frechet_from_features
from audioldm_bench.metrics.inception import inception_score
from audioldm_bench.metrics.kl import kl_softmax
from audioldm_bench.store import Part, build_store

METRICS = {"fd": "tagger", "is": "tagger", "kl": "tagger", "fad": "embedder"}
METRICS |= {"is_splits": 4, "is_seed": 2020, "bootstrap": {"level": 0.95}}
IDS = [f"clip{i:02d}" for i in range(40)]


def side(seed, *, shift=0.0, n=40, dimensions=8):
    """Features of clips: one row each of a tagger, 1 to 3 examples each of an embedder."""
    rng = np.random.default_rng(seed)
    ids = [f"clip{i:02d}" for i in range(n)]
    embeddings = {
        "tagger": [row[None] + shift for row in rng.standard_normal((n, dimensions))],
        "embedder": [rng.standard_normal((1 + i % 3, 5)) + shift for i in range(n)],
    }
    return ClipFeatures(ids, embeddings, {"tagger": 2 * rng.standard_normal((n, 12)) + shift})


def curves(corrupted, clean, *, shares=5, orders=2, seed=0, **metrics):
    options = {"shares": shares, "orders": orders, "seed": seed}
    return corruption_curves(corrupted, clean, metrics_config=METRICS | metrics, **options)


@pytest.mark.parametrize("dimensions", [8, 64])  # fewer than clips: covariances; more: products
def test_a_mixture_scores_as_the_metrics_say(dimensions):
    """Of any clips, whichever of them are corrupted: the values of the metrics' own functions."""
    a, b = side(0, shift=0.7, dimensions=dimensions), side(1, dimensions=dimensions)
    rng = np.random.default_rng(2)
    clips = np.sort(rng.permutation(40)[:30])
    mask = rng.random(40) < 0.4
    for backbone in ("tagger", "embedder"):
        rows = {
            name: np.concatenate([(a if bad[i] else b).embeddings[backbone][i] for i in clips])
            for name, bad in (("mixture", mask), ("clean", np.zeros(40, bool)))
        }
        found = FrechetOfMixtures(a.embeddings[backbone], b.embeddings[backbone])
        expected = frechet_from_features(rows["mixture"], rows["clean"])
        assert found.values(clips, [mask]) == pytest.approx([expected], rel=1e-9)
        assert found.values(clips, [np.zeros(40, bool)]) == [0.0]
    mixed = np.where(mask[:, None], a.logits["tagger"], b.logits["tagger"])
    everything = np.arange(40)
    inception = InceptionOfMixtures(a.logits["tagger"], b.logits["tagger"], splits=4, seed=2020)
    score = inception_score(mixed, splits=4, seed=2020)
    assert inception.values(everything, [mask]) == pytest.approx([score.mean], rel=1e-12)
    half = inception_score(mixed[clips[:20]], splits=2, seed=2020)  # slices of ten clips still
    assert inception.values(clips[:20], [mask]) == pytest.approx([half.mean], rel=1e-12)
    divergence = DivergenceOfMixtures(a.logits["tagger"], b.logits["tagger"])
    pair = (mixed[clips], b.logits["tagger"][clips])
    names = [IDS[i] for i in clips]
    assert divergence.values(clips, [mask]) == pytest.approx([kl_softmax(*pair, names, names)])


def test_is_with_a_class_that_nobody_has():
    logits = np.full((12, 3), -2000.0)
    logits[np.arange(12), np.arange(12) % 2] = 2000.0
    found = InceptionOfMixtures(logits, logits, splits=1, seed=0)
    assert found.values(np.arange(12), [np.ones(12, bool)]) == pytest.approx([2.0])


def test_a_curve_runs_from_nothing_to_the_whole():
    a, b = side(0, shift=1.0), side(1)
    found = curves(a, b)
    assert list(found) == ["fd", "is", "kl", "fad"]
    assert found["fd"].values[0] == found["fad"].values[0] == 0.0
    assert -12e-6 <= found["kl"].values[0] <= 0
    whole = frechet_from_features(a.rows("tagger"), b.rows("tagger"))
    assert found["fd"].values[-1] == pytest.approx(whole, rel=1e-9)
    score = inception_score(a.logits["tagger"], splits=4, seed=2020).mean
    assert found["is"].values[-1] == pytest.approx(score)
    assert (np.diff(found["fad"].values) > 0).all()
    assert found["fd"].change == found["fd"].values[-1]
    same = curves(b, b)
    assert (same["fd"].values <= 1e-9).all() and same["fd"].change_interval(0.95)[1] <= 1e-9


def test_shares_are_nested_and_seeded():
    a, b = side(0, shift=1.0), side(1)
    few, many, other = curves(a, b, shares=3), curves(a, b), curves(a, b, seed=1)
    for metric in few:
        np.testing.assert_array_equal(few[metric].values, many[metric].values[::2])
    assert few["kl"].values[1] != other["kl"].values[2]
    order = np.random.default_rng(0).permutation(9)
    masks = _nested_masks(order, 4)
    assert [mask.sum() for mask in masks] == [0, 3, 6, 9]
    assert all((smaller <= larger).all() for smaller, larger in zip(masks, masks[1:], strict=False))


def test_a_half_holds_half_of_what_is_corrupted_at_every_share():
    order = np.random.default_rng(0).permutation(40)
    halves = _halves_in_order(order, 7)
    assert len(halves) == HALVES and len({tuple(half) for half in halves}) == HALVES
    for half in halves:
        assert len(set(half)) == 20 and list(half) == sorted(half)
        assert [mask[half].sum() for mask in _nested_masks(order, 11)] == list(range(0, 21, 2))
    assert {len(half) for half in _halves_in_order(order[:9], 7)} == {4}
    assert _halves_in_order(order[:7], 7) == []


def test_bands_are_as_wide_as_chance():
    """KL is a mean over clips: its standard error is known."""
    a, b = side(0, n=80), side(1, n=80)
    found = curves(a, b, orders=20)["kl"]
    of_clips = DivergenceOfMixtures(a.logits["tagger"], b.logits["tagger"]).of_clips
    low, high = found.intervals(0.95)[-1]
    assert (high - low) / 2 == pytest.approx(1.96 * of_clips[1].std(ddof=1) / 80**0.5, rel=0.15)
    within = 0.5 * of_clips[1].var(ddof=1) + 0.5 * of_clips[0].var(ddof=1)
    low, high = found.intervals(0.95)[2]
    assert (high - low) / 2 == pytest.approx(1.96 * (within / 80) ** 0.5, rel=0.15)
    assert (low + high) / 2 == pytest.approx(found.values[2])
    assert found.intervals(0.95)[0] == pytest.approx((0.0, 0.0), abs=2e-5)
    wide, narrow = found.change_interval(0.99), found.change_interval(0.5)
    assert wide[0] < narrow[0] < found.change < narrow[1] < wide[1]


def test_mistakes_are_told():
    a, b = side(0), side(1)
    with pytest.raises(UserError, match="figure1.shares: 1"):
        curves(a, b, shares=1)
    with pytest.raises(UserError, match="figure1.orders: 0"):
        curves(a, b, orders=0)
    with pytest.raises(UserError, match=r"metrics\.kl: backbone 'embedder' gives no logits"):
        curves(a, b, kl="embedder")
    with pytest.raises(UserError, match=r"metrics\.bootstrap\.level: 95"):
        curves(a, b)["fd"].intervals(95)


# ------------------------------------------------------------------------------- claims
def curve(start, end, wobble=0.01):
    halves = np.linspace(start, end, 5) + wobble * np.array([-1, 1])[None, :, None] * np.arange(5)
    return Curve(np.linspace(start, end, 5), halves)


def test_claims_are_judged_by_size_and_chance():
    flat, wide = curve(0, 0.05), curve(0, 1.0, wobble=1.0)
    found = {
        "noise": {"fd": curve(0, 10), "is": curve(8, 3), "kl": curve(0, 2), "fad": curve(0, 1)},
        "mask": {"fd": curve(0, 4), "is": curve(8, 8.4), "kl": wide, "fad": curve(0, 0.5)},
        "disorder": {"fd": curve(0, 2), "is": curve(8, 9), "kl": flat, "fad": curve(0, 0.05)},
    }
    rows = {(row["corruption"], row["metric"]): row for row in judge(found, 0.95)}
    assert len(rows) == 12
    verdicts = {key: (row["paper"], row["found"], row["as_in_paper"]) for key, row in rows.items()}
    assert {verdicts["noise", metric] for metric in METRICS if metric in found["noise"]} == {
        ("worse", "worse", "yes")
    }
    assert verdicts["mask", "is"] == ("worse", "flat", "no")  # 8 % of noise's change
    assert verdicts["mask", "kl"] == ("worse", "flat", "no")  # large, but within chance
    assert verdicts["disorder", "fd"] == ("worse", "worse", "yes")
    assert verdicts["disorder", "is"] == ("flat", "better", "no")
    assert verdicts["disorder", "kl"] == verdicts["disorder", "fad"] == ("flat", "flat", "yes")
    row = rows["noise", "is"]
    assert (row["change"], row["worse_steps"], row["steps"]) == (-5.0, 4, 4)
    assert row["of_start"] == pytest.approx(-5 / 8) and row["of_largest"] == 1.0
    assert rows["disorder", "is"]["worse_steps"] == 0
    assert row["change_low"] < -5 < row["change_high"] < 0


# ------------------------------------------------------------------------------ the table
def store(folder, features, ids):
    paths = {}
    for name, rows in features.embeddings.items():
        paths[name] = folder / f"{name}.h5"
        examples = name == "embedder"

        def compute(some, name=name, rows=rows, examples=examples):
            places = [int(i[4:]) for i in some]
            arrays = {"embedding": [rows[p] for p in places]}
            if not examples:
                arrays = {"embedding": np.concatenate([rows[p] for p in places])}
                arrays["logits"] = features.logits[name][places]
            return Part(some, arrays)

        options = {"state": folder / f"state-{name}", "fingerprint": name}
        attrs = {"backbone": name, "weights_sha256": "w", "nominal_duration": 5.0}
        build_store(paths[name], ids, compute, attrs=attrs, **options)
    return paths


def written(tmp_path, n=40):
    clean = store(tmp_path / "clean", side(1), IDS[:n])
    noise = store(tmp_path / "noise", side(0, shift=2.0), IDS[2:n])
    disorder = store(tmp_path / "disorder", side(1), IDS[:n])
    claims = {kind: tmp_path / f"claims.{kind}" for kind in ("csv", "md")}
    write_figure1(
        {"noise": (noise, clean), "disorder": (disorder, clean)},
        tmp_path / "fig1.csv",
        claims,
        metrics_config=METRICS,
        shares=3,
        orders=2,
        seed=0,
    )
    tables = [list(csv.DictReader(p.open())) for p in (tmp_path / "fig1.csv", claims["csv"])]
    return *tables, claims["md"].read_text()


def test_the_table_and_the_claims(tmp_path):
    rows, claims, text = written(tmp_path)
    assert list(rows[0])[:7] == ["corruption", "share", "fd", "is", "kl", "fad", "n"]
    assert [(row["corruption"], row["share"], row["n"]) for row in rows] == [
        *(("noise", share, "38") for share in ("0.0", "0.5", "1.0")),
        *(("disorder", share, "40") for share in ("0.0", "0.5", "1.0")),
    ]
    for metric in ("fd", "is", "kl", "fad"):
        for row in rows:
            low, value, high = (float(row[f"{metric}{end}"]) for end in ("_low", "", "_high"))
            assert low <= value <= high
    assert float(rows[2]["fad_low"]) > 0 and float(rows[5]["fad"]) <= 1e-9
    assert [(c["corruption"], c["metric"]) for c in claims[:4]] == [
        ("noise", metric) for metric in ("fd", "is", "kl", "fad")
    ]
    assert claims[0]["found"] == "worse" and claims[0]["worse_steps"] == "2"
    assert {c["found"] for c in claims[4:]} == {"flat"}, "equal features: nothing to see"
    agreed = sum(claim["as_in_paper"] == "yes" for claim in claims)
    assert f"{agreed} of 8 were found so" in text
    assert all(len(line) <= 100 for line in text.splitlines())
    assert sum(line.startswith("| noise") for line in text.splitlines()) == 4


def test_too_few_clips_have_no_bands(tmp_path):
    rows, claims, text = written(tmp_path, n=7)
    assert {row["fd_low"] for row in rows} == {""} and float(rows[2]["fd"]) > 0
    assert claims[0]["change_low"] == "" and claims[0]["found"] == "worse"
    assert "nan" not in text
