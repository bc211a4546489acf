"""The estimate follows the config: what grows, by how much, and what does not."""

import csv

import pytest

from audioldm_bench.preflight import plan
from audioldm_bench.preflight.clips import study_clips
from audioldm_bench.preflight.estimate import SAVES, STATE, STEP, WEIGHTS
from audioldm_bench.preflight.rows import START
from audioldm_bench.published import size_of
from config_cases import DEFAULT, MINI, merged
from preflight_world import COSTS, rows_of

CHECKPOINTS = 4 * (12 + 18 + 24)  # four runs on each dataset
EVALUATED = 400 * (48 + 2) + 870 * (72 + 2) + 964 * (96 + 2) + 2034 * 2


def test_the_papers_study_in_numbers(tmp_path):
    rows = rows_of(tmp_path)
    training, sampling = rows["training"], rows["sampling"]
    assert training.jobs == CHECKPOINTS
    work = 4 * 1_070_000 * (1 + STEP) + CHECKPOINTS * START[True]
    assert training.hours == pytest.approx(work / 3600)
    assert training.disk == CHECKPOINTS * COSTS.parameters["unet"] * WEIGHTS
    assert training.temporary == (12 + SAVES + 1) * COSTS.parameters["unet"] * STATE
    assert f"{EVALUATED:,} clips" in sampling.amount
    assert sampling.disk == EVALUATED * (44 + 2 * 163_840)
    assert rows["latents"].disk == (2000 + 8732 + 51_297) * 2 * 2 * 8 * 256 * 16


def test_doubled_steps_double_the_training_and_leave_the_checkpoints(tmp_path):
    steps = {name: 2 * last for name, last in DEFAULT["training"]["steps"].items()}
    before = rows_of(tmp_path)
    after = rows_of(tmp_path, training={"steps": steps, "checkpoint_every": 40_000})
    starts = START[True] * CHECKPOINTS / 3600
    assert after["training"].hours - starts == pytest.approx(
        2 * (before["training"].hours - starts), rel=1e-3
    )
    assert after["training"].disk == before["training"].disk


def test_more_checkpoints_take_disk_and_sampling(tmp_path):
    before, after = rows_of(tmp_path), rows_of(tmp_path, training={"checkpoint_every": 10_000})
    more = 4 * (24 + 35 + 48)  # 350,000 steps are 17 and a half of 20,000, 35 of 10,000
    assert after["training"].jobs == more
    assert after["training"].disk == more * COSTS.parameters["unet"] * WEIGHTS
    assert after["sampling"].hours > 1.9 * before["sampling"].hours
    assert after["raw data"] == before["raw data"]


def test_sampling_follows_its_steps_and_bf16_its_rate(tmp_path):
    single = {"precision": "fp32"}
    before = rows_of(tmp_path, sampling=single)
    after = rows_of(tmp_path, sampling=single | {"steps": 100})
    assert 0.45 < after["sampling"].hours / before["sampling"].hours < 0.55
    assert after["training"] == before["training"]
    assert rows_of(tmp_path)["sampling"].hours < 0.6 * before["sampling"].hours  # fp16
    half = rows_of(tmp_path, training={"precision": "bf16"}, sampling=single)
    assert half["training"].hours < 0.6 * before["training"].hours
    assert half["sampling"] == before["sampling"]


def test_a_study_on_the_cpu_needs_no_gpu_memory(tmp_path):
    with_gpu, without = rows_of(tmp_path), rows_of(tmp_path, runtime={"gpus_per_job": 0})
    peak = 10**9
    assert with_gpu["training"].gpu_memory > peak + COSTS.parameters["unet"] * STATE
    assert not any(row.gpu_memory for row in without.values())


def test_a_folder_of_the_users_is_not_fetched(tmp_path):
    folder = {name: {"source": "folder", "folder": "x"} for name in ("audiocaps", "audioset")}
    before, after = rows_of(tmp_path)["raw data"], rows_of(tmp_path, datasets=folder)["raw data"]
    assert "53,331 clips by yt-dlp" in before.amount and "yt-dlp" not in after.amount
    assert after.hours < 1 < 100 < before.hours
    assert {place.path for place in after.places} == {
        "resources/datasets/esc50",
        "resources/datasets/urbansound8k",
    }


def test_a_backbone_that_is_not_counted_is_named(tmp_path):
    assert "not counted" not in rows_of(tmp_path)["features"].amount
    assert "not counted: another" in rows_of(tmp_path, metrics={"fd": "another"})["features"].amount


def test_a_trained_study_says_what_it_does_not_count(tmp_path):
    own = rows_of(tmp_path, **MINI)["own models"]
    assert own.hours is None and own.disk == WEIGHTS * sum(COSTS.parameters.values())


@pytest.mark.parametrize(
    ("changes", "name", "expected"),
    [
        ({}, "esc50", (2000, 1600, 400)),
        ({}, "urbansound8k", (8732, 7862, 870)),
        ({}, "audiocaps", (51_297, 49_838, 964)),
        ({}, "audioset", (2034, 0, 2034)),
        ({"esc50": {"split": {"kind": "fold", "evaluation": 0}}}, "esc50", (2000, 1600, 400)),
        ({"esc50": {"split": {"validation": 100}}}, "esc50", (2000, 1500, 400)),
        ({"audiocaps": {"evaluation_list": None}}, "audiocaps", (51_308, 49_838, 975)),
    ],
)
def test_clips_before_there_is_a_manifest(tmp_path, changes, name, expected):
    clips = study_clips(merged(DEFAULT, {"datasets": changes}), tmp_path)[name]
    assert (clips.total, clips.train, clips.evaluation) == expected


def test_clips_of_synthetic_sounds_and_of_a_csv(tmp_path):
    synthetic = study_clips(merged(DEFAULT, MINI), tmp_path)
    assert (synthetic["esc50"].total, synthetic["esc50"].evaluation) == (200, 30)
    assert (synthetic["audioset"].total, synthetic["audioset"].train) == (688, 640)
    (tmp_path / "mine").mkdir()
    rows = [f"{number}.wav,x" for number in range(30)]
    (tmp_path / "mine/a.csv").write_text("\n".join(["file,label", *rows]))
    mine = {
        **DEFAULT["datasets"]["esc50"],
        **{"adapter": "table", "source": "folder", "folder": "mine", "table": "a.csv"},
        "split": {**DEFAULT["datasets"]["esc50"]["split"], "evaluation": 10, "stratify": False},
    }
    config = merged(DEFAULT, {"datasets": {"mine": mine}, "figure1": {"dataset": "mine"}})
    clips = study_clips(config, tmp_path)["mine"]
    assert (clips.total, clips.train, clips.evaluation) == (30, 20, 10)
    assert clips.duration == config["audio"]["duration"] and clips.raw == 0 and clips.known
    (tmp_path / "mine/a.csv").unlink()  # nothing says how many there are
    assert not study_clips(config, tmp_path)["mine"].known


def test_clips_of_a_manifest_go_before_what_is_published(tmp_path):
    path = tmp_path / "results/paper/data/esc50/manifest.csv"
    path.parent.mkdir(parents=True)
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([["clip_id", "split"], ["a", "train"], ["b", "evaluation"]])
    clips = study_clips(DEFAULT, tmp_path)["esc50"]
    assert (clips.total, clips.train, clips.evaluation) == (2, 1, 1)


def test_the_size_is_in_the_name_of_a_published_checkpoint():
    names = list(DEFAULT["models"]["published"]["checkpoints"])
    for name in names:
        assert size_of(name) == name.split("audioldm-")[1][0], name
    assert size_of("of-ours") == "l"  # unknown: the largest


def test_evaluated_systems_count_a_reference_that_is_not_sampled():
    config = merged(
        DEFAULT, {"figure1": {"dataset": "audioset"}, "table1": {"datasets": ["esc50"]}}
    )
    assert plan.evaluated(config)["audioset"] == plan.CORRUPTED + 1


def test_floor_ceilings_and_other_peoples_systems_are_counted(tmp_path):
    before = rows_of(tmp_path)
    bounds = 3 * (400 + 870 + 964 + 2034)
    assert before["floor, ceilings"].jobs == 4
    assert f"{bounds:,} clips" in before["floor, ceilings"].amount
    theirs = {"a": {"folders": {"esc50": "x", "audioset": "y"}}, "b": {"folders": {"esc50": "z"}}}
    after = rows_of(tmp_path, systems=theirs)
    assert after["floor, ceilings"].jobs == 4 + 3
    assert f"{bounds + 2 * 400 + 2034:,} clips" in after["floor, ceilings"].amount
    assert after["features"].jobs == before["features"].jobs + 3
    assert after["results"].jobs == before["results"].jobs + 3
    assert after["sampling"] == before["sampling"]
