"""comparison.json of a dataset: which checkpoint of a run is compared, and what it reads."""

from __future__ import annotations

import numpy as np
import pytest

from audioldm_bench.errors import UserError
from audioldm_bench.files import read_json, write_json
from audioldm_bench.store import Part, build_store
from audioldm_bench.tables.comparison import chosen_systems, compare_dataset, split_run

METRICS = {"fd": "tagger", "is": "tagger", "kl": "tagger", "fad": "tagger", "also": []}
METRICS |= {"is_splits": 1, "is_seed": 2020, "bootstrap": {"replicates": 20, "level": 0.9}}
IDS = [f"clip{i}" for i in range(12)]
BOUNDS = ["floor", "ceiling-noise", "ceiling-shuffled"]


def store(folder, seed):
    rows = np.random.default_rng(seed).standard_normal((len(IDS), 6)).astype(np.float32)
    part = Part(IDS, {"embedding": rows[:, :3], "logits": rows[:, 3:]})
    path = folder / f"{seed}.h5"
    build_store(path, IDS, lambda _: part, state=folder / f"state{seed}", fingerprint="x")
    return {"tagger": path}


def test_runs_are_told_from_other_names():
    assert split_run("pretrained-text-0080000") == ("pretrained-text", 80000)
    for name in ("baseline-text", "my-model-7", "pretrained-text-best", "floor", "a-b-c-d"):
        assert split_run(name) == (None, 0)


def test_each_run_stands_with_its_best_step(measure):
    steps = {20: 3.0, 40: 1.0, 60: 2.0}
    metrics = {f"scratch-audio-{s:07d}": measure(fd=v, is_=v) for s, v in steps.items()}
    metrics |= {"scratch-text-0000020": measure(), "baseline-text": measure(), "mine": measure()}
    assert chosen_systems(metrics, "fd") == [
        "baseline-text",
        "mine",
        "scratch-audio-0000040",
        "scratch-text-0000020",
    ]
    assert "scratch-audio-0000020" in chosen_systems(metrics, "is"), "higher is better"
    with pytest.raises(UserError, match=r"table2\.select_by is 'mos'"):
        chosen_systems(metrics, "mos")


def test_the_split_that_comes_first_chooses(measure, tmp_path):
    names = [f"scratch-audio-{step:07d}" for step in (20, 40)]
    metrics = {name: measure(fd=fd) for name, fd in zip(names, (1.0, 2.0), strict=True)}
    validation = {name: tmp_path / f"{name}.json" for name in names}
    for name, loss in zip(names, (0.4, 0.3), strict=True):
        write_json(validation[name], {"loss": loss})
    assert chosen_systems(metrics, "fd") == names[:1]
    assert chosen_systems(metrics, "fd", "validation", validation) == names[1:]


def test_only_what_is_compared_is_read(measure, tmp_path):
    names = ["baseline-text", "scratch-audio-0000020", "scratch-audio-0000040", *BOUNDS]
    metrics = {name: measure(fd=9.0 - n) for n, name in enumerate(names)}
    features = {name: store(tmp_path, n) for n, name in enumerate(["real", *names])}
    features["scratch-audio-0000020"] = {"tagger": tmp_path / "not there.h5"}
    out = tmp_path / "comparison.json"
    record = compare_dataset(
        metrics, features, out, bounds=BOUNDS, select_by="fd", metrics_config=METRICS, seed=0
    )
    assert read_json(out) == record
    assert set(record["systems"]) == {*names} - {"scratch-audio-0000020"}
    assert record["selected_by"] == "fd" and record["n"] == 12
    assert [record["systems"][name]["rank"] for name in BOUNDS] == [None] * 3
    baseline = record["systems"]["baseline-text"]
    assert baseline["provenance"]["seed"] == 7 and baseline["provenance"]["sampling_steps"] == 200
    assert record["interval"]["replicates"] == 20 and "numpy" in record["versions"]
    assert "prompts" not in baseline["provenance"]
