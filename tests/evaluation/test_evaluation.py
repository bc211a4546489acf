import csv
import json

import numpy as np
import pytest

from audioldm_bench.errors import UserError
from audioldm_bench.evaluation.curves import figure1_table
from audioldm_bench.evaluation.pairs import ids_sha256
from audioldm_bench.evaluation.system import evaluate_system
from audioldm_bench.files import write_json
from audioldm_bench.metrics.frechet import frechet_from_features
from audioldm_bench.metrics.inception import inception_score
from audioldm_bench.metrics.kl import kl_sigmoid, kl_softmax
from audioldm_bench.store import Part, build_store

METRICS = {"fd": "tagger", "is": "tagger", "kl": "tagger", "fad": "embedder"}
METRICS |= {"is_splits": 4, "is_seed": 2020}


def features(folder, ids, *, seed, shift=0.0, rejected=None, weights="w"):
    """Feature files of a tagger and an embedder; clip i has 1 + i % 3 examples."""
    rng = np.random.default_rng(seed)
    rows = {i: rng.standard_normal((6, 8)).astype(np.float32) + shift for i in ids}
    examples = {i: rows[i][: 1 + n % 3, :5] for n, i in enumerate(ids)}
    arrays = {
        "tagger": lambda some: {
            "embedding": np.stack([rows[i][3] for i in some]),
            "logits": np.stack([rows[i][4] * 2 for i in some]),
        },
        "embedder": lambda some: {"embedding": [examples[i] for i in some]},
    }
    found = {}
    for name, make in arrays.items():
        found[name] = folder / f"{name}.h5"
        build_store(
            found[name],
            ids,
            lambda some, make=make: Part(some, make(some), rejected or {}),
            state=folder / f"state-{name}",
            fingerprint=str(seed),
            attrs={"backbone": name, "weights_sha256": weights, "nominal_duration": 5.0},
        )
    return found, rows, examples


IDS = [f"clip{i:02d}" for i in range(12)]


def evaluate(tmp_path, generated, reference, **options):
    options = {"metrics_config": METRICS, **options}
    write_json(tmp_path / "clips.json", {"system": "test", "steps": 20})
    out = tmp_path / "metrics.json"
    evaluate_system(generated, reference, tmp_path / "clips.json", out, **options)
    return json.loads(out.read_text())


def test_values_are_those_of_the_metrics(tmp_path):
    generated, a, examples_a = features(tmp_path / "a", IDS, seed=0, shift=0.5)
    reference, b, examples_b = features(tmp_path / "b", IDS[::-1], seed=1)
    found = evaluate(tmp_path, generated, reference)

    def stacked(rows, which):
        return np.stack([rows[i][which] for i in IDS])

    logits = stacked(a, 4) * 2, stacked(b, 4) * 2
    assert found["fd"] == pytest.approx(frechet_from_features(stacked(a, 3), stacked(b, 3)))
    score = inception_score(logits[0], splits=4)
    assert (found["is"], found["is_std"]) == pytest.approx((score.mean, score.std))
    assert found["is_splits"] == 4
    assert found["kl"] == pytest.approx(kl_softmax(*logits, IDS, IDS))
    assert found["kl_sigmoid"] == pytest.approx(kl_sigmoid(*logits, IDS, IDS))
    flat = [np.concatenate([e[i] for i in IDS]) for e in (examples_a, examples_b)]
    assert len(flat[0]) > len(IDS)
    assert found["fad"] == pytest.approx(frechet_from_features(*flat))


def test_says_what_was_measured(tmp_path):
    generated, *_ = features(tmp_path / "a", IDS, seed=0)
    reference, *_ = features(tmp_path / "b", IDS, seed=1)
    found = evaluate(tmp_path, generated, reference)
    assert found["names"] == {
        "fd": "fd_tagger",
        "is": "is_tagger",
        "kl": "kl_softmax_tagger",
        "kl_sigmoid": "kl_sigmoid_tagger",
        "fad": "fad_embedder",
    }
    assert found["n"] == 12 and found["clip_list_sha256"] == ids_sha256(IDS[::-1])
    assert found["provenance"] == {"system": "test", "steps": 20}
    assert found["features"]["generated"]["tagger"]["weights_sha256"] == "w"
    assert set(found["unpaired"]["counts"].values()) == {0}


def test_a_system_against_itself(tmp_path):
    reference, *_ = features(tmp_path / "b", IDS, seed=1)
    found = evaluate(tmp_path, reference, reference)
    assert found["fd"] <= 1e-9 and found["fad"] <= 1e-9
    assert -8e-6 <= found["kl"] <= 0


def test_scores_the_clips_of_both_sides_and_lists_the_others(tmp_path):
    bad = {"clip97": "empty", "clip00": "unreadable: header"}
    generated, a, _ = features(tmp_path / "a", IDS[1:], seed=0, rejected=bad)
    reference, *_ = features(tmp_path / "b", [*IDS[:11], "clip98"], seed=1, rejected={"x": "NaN"})
    found = evaluate(tmp_path, generated, reference)
    assert found["n"] == 10 and found["clip_list_sha256"] == ids_sha256(IDS[1:11])
    unpaired = found["unpaired"]
    assert unpaired["rejected_generated"] == bad
    assert unpaired["rejected_reference"] == {"x": "NaN"}
    assert unpaired["missing_generated"] == ["clip98"]
    assert unpaired["missing_reference"] == ["clip11"]
    assert unpaired["counts"]["missing_reference"] == 1
    logits = np.stack([a[i][4] * 2 for i in IDS[1:11]])
    assert found["is"] == pytest.approx(inception_score(logits, splits=4).mean)


def test_refuses_what_would_be_no_comparison(tmp_path):
    generated, *_ = features(tmp_path / "a", IDS, seed=0)
    reference, *_ = features(tmp_path / "b", IDS, seed=1)
    other, *_ = features(tmp_path / "c", IDS, seed=1, weights="v")
    lonely, *_ = features(tmp_path / "d", [IDS[0], "z"], seed=1)
    with pytest.raises(UserError, match="differ in weights_sha256"):
        evaluate(tmp_path, generated, other)
    with pytest.raises(UserError, match=r"1 clip\(s\) on both sides"):
        evaluate(tmp_path, generated, lonely)
    with pytest.raises(UserError, match="same backbones"):
        evaluate(tmp_path, {"tagger": generated["tagger"]}, reference)
    with pytest.raises(UserError, match="metrics.kl: backbone 'embedder' gives no logits"):
        evaluate(tmp_path, generated, reference, metrics_config=METRICS | {"kl": "embedder"})
    with pytest.raises(UserError, match="no features of backbone 'vggish'"):
        evaluate(tmp_path, generated, reference, metrics_config=METRICS | {"fad": "vggish"})
    assert not (tmp_path / "metrics.json").exists()


def figure1(tmp_path, shares=5, seed=0, name="fig1.csv"):
    reference, *_ = features(tmp_path / "real", IDS, seed=1)
    noise, *_ = features(tmp_path / "noise", IDS[:10], seed=2, shift=3.0)
    composed, *_ = features(tmp_path / "composed", IDS, seed=3)
    disorder, *_ = features(tmp_path / "disorder", IDS, seed=3)
    kinds = {"noise": (noise, reference), "disorder": (disorder, composed)}
    out = tmp_path / name
    figure1_table(kinds, out, metrics_config=METRICS, shares=shares, seed=seed)
    return kinds, out


def test_figure1_table(tmp_path):
    kinds, out = figure1(tmp_path)
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert list(rows[0]) == ["corruption", "share", "fd", "is", "kl", "fad", "n"]
    assert [row["corruption"] for row in rows] == ["noise"] * 5 + ["disorder"] * 5
    assert [float(row["share"]) for row in rows[:5]] == [0.0, 0.25, 0.5, 0.75, 1.0]
    noise = rows[:5]
    assert {row["n"] for row in noise} == {"10"}
    assert float(noise[0]["fd"]) <= 1e-9 and float(noise[0]["fad"]) <= 1e-9
    for metric in ("fd", "fad"):
        values = [float(row[metric]) for row in noise]
        assert values == sorted(values) and values[-1] > 5
    whole = evaluate_system(*kinds["noise"], None, tmp_path / "m.json", metrics_config=METRICS)
    for metric in ("fd", "kl", "fad"):
        assert float(noise[4][metric]) == pytest.approx(whole[metric], rel=1e-9)
    assert all(float(row["fd"]) <= 1e-9 for row in rows[5:]), "equal features: nothing to see"


def test_figure1_shares_are_nested_and_seeded(tmp_path):
    """With more steps, the rows of the old shares stay; with another seed they change."""
    _, few = figure1(tmp_path, shares=3)
    _, many = figure1(tmp_path, shares=5, name="many.csv")
    _, other = figure1(tmp_path, shares=5, seed=1, name="other.csv")
    few, many, other = (path.read_text().splitlines() for path in (few, many, other))
    assert few[1:4] == [many[1], many[3], many[5]]
    assert other[1:6] != many[1:6]
    with pytest.raises(UserError, match="figure1.shares"):
        figure1(tmp_path, shares=1)
