import json

import numpy as np
import pytest

from audioldm_bench.errors import UserError
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


def test_every_value_has_its_interval_and_says_how_it_was_made(tmp_path):
    generated, *_ = features(tmp_path / "a", IDS, seed=0, shift=0.5)
    reference, *_ = features(tmp_path / "b", IDS, seed=1)
    settings = {"also": ["kad_embedder"], "bootstrap": {"replicates": 20, "level": 0.9}}
    found = evaluate(tmp_path, generated, reference, metrics_config=METRICS | settings, seed=7)
    made = {"method": "half-sampling", "replicates": 20, "level": 0.9, "seed": 7}
    assert found["interval"] == made
    assert set(found["values"]) == set(found["names"].values())
    for full in ("fd_tagger", "kad_embedder"):
        one = found["values"][full]
        assert one["low"] < one["value"] < one["high"] and one["n"] == 12
    assert found["values"]["fd_tagger"]["value"] == found["fd"]
    assert found["values"]["fad_embedder"]["rows_generated"] == 24
    assert set(found["versions"]) == {"audioldm-bench", "numpy", "h5py"}
    without = evaluate(tmp_path, generated, reference)
    assert without["interval"]["replicates"] == 0
    assert without["values"]["fd_tagger"]["low"] is None
    assert without["fd"] == found["fd"]


def test_clap_score_takes_the_caption_of_the_same_clip(tmp_path):
    generated, a, _ = features(tmp_path / "a", IDS, seed=0)
    reference, *_ = features(tmp_path / "b", IDS, seed=1)
    texts = {i: np.random.default_rng(n).standard_normal(8) for n, i in enumerate(IDS)}

    def text(name, ids):
        def compute(some):
            return Part(some, {"embedding": np.stack([texts[i] for i in some])})

        path = tmp_path / name
        build_store(path, ids, compute, state=tmp_path / f"{name}-state", fingerprint="x")
        return path

    settings = METRICS | {"also": ["clap_score_tagger"]}
    found = evaluate(
        tmp_path, generated, reference, metrics_config=settings, text=text("text.h5", IDS[::-1])
    )
    cosines = [a[i][3] @ texts[i] / np.linalg.norm(a[i][3]) / np.linalg.norm(texts[i]) for i in IDS]
    assert found["values"]["clap_score_tagger"]["value"] == pytest.approx(np.mean(cosines))
    with pytest.raises(UserError, match=r"no caption of 2 clip\(s\), first clip10, clip11"):
        few = text("few.h5", IDS[:10])
        evaluate(tmp_path, generated, reference, metrics_config=settings, text=few)
    with pytest.raises(UserError, match="give captions"):
        evaluate(tmp_path, generated, reference, metrics_config=settings)
