"""The workflow on models of full size (AudioLDM-S, random weights) and real recordings: every stage
from the recording to the features, and the memory of each job against what its rule asks for."""

from __future__ import annotations

import csv
import math
import os
import shutil

import full_size_world as world
import numpy as np
import pytest
import torch
import yaml

from audioldm_bench import audio
from audioldm_bench.diffusion.unet import load_unet
from audioldm_bench.files import read_json
from audioldm_bench.mel import LogMel
from audioldm_bench.store import Store
from audioldm_bench.vae import prepare

S = "results/full"
DATA = f"{S}/data/esc10"
SYSTEM, REAL = (f"{S}/systems/esc10/{name}" for name in ("pretrained-audio-0000002", "real"))
RUN = f"{S}/runs/esc10/pretrained-audio/step-0000002"
MODELS = "resources/models/audioldm-s-full"
TRAINED, EVALUATED = 7, 1  # clips; together a whole batch of VAE and CLAP
SAMPLES = 163_840  # of 10.24 s

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(
        not all(path.exists() for path in world.NEEDED),
        reason="no recordings of ESC-10, tokenizer or EfficientAT mn04 (../shared/data)",
    ),
]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The folder of a finished study; five gigabytes, so it is not left to pytest's keeping."""
    folder = tmp_path_factory.mktemp("full-size")
    threads = min(4, os.cpu_count() or 1)
    try:
        world.prepare(
            folder,
            "S",
            clips=(TRAINED, EVALUATED),
            training={"steps": {"esc10": 2}, "checkpoint_every": 2, "batch_size": 2},
            sampling={"steps": 2, "candidates": 2},
            threads=threads,
        )
        wanted = [f"{system}/features/vggish.h5" for system in (SYSTEM, REAL)]
        world.run(folder, *wanted, threads=threads)
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def config():
    return yaml.safe_load((world.ROOT / "config/config.yaml").read_text())


def test_the_checkpoint_is_of_size_s(study):
    source = read_json(study / MODELS / "source.json")
    assert source["size"] == "S" and source["scale_factor"] == world.SCALE_FACTOR
    assert source["parameters"] == {
        "unet": 185_036_552,
        "vae": 55_376_873,
        "vocoder": 55_264_897,
        "clap": 153_492_890,
    }


def test_a_recording_gives_1024_frames_of_64_bands_and_latents(study, config):
    with Store(study / f"{DATA}/audio/shard-00000.h5") as sounds:
        assert len(sounds) == TRAINED + EVALUATED
        waveform = sounds.get("waveform", sounds.ids[0])
        ids = sounds.ids
    mel = LogMel(16000, **config["mel"])(torch.from_numpy(prepare(waveform, SAMPLES))[None])
    assert mel.shape == (1, 1024, 64) and mel.std() > 1
    with Store(study / f"{DATA}/latents/shard-00000.h5") as latents:
        assert latents.ids == ids
        for name in ("mean", "logvar"):
            moments = latents.array(name)
            assert moments.shape == (len(ids), 8, 256, 16) and moments.dtype == np.float16
            assert np.isfinite(moments).all()
        mean = latents.array("mean").astype(np.float32)
    distances = np.abs(mean[:, None] - mean[None]).mean((2, 3, 4))
    assert (distances[~np.eye(len(ids), dtype=bool)] > 0.01).all()  # clips are told apart


def test_clap_gives_unit_vectors_of_512(study):
    for path in ("clap/shard-00000.h5", "text.h5"):
        with Store(study / DATA / path) as store:
            rows = [*store.array("embedding"), np.array(store.attrs["unconditional"])]
        assert np.shape(rows) == (TRAINED + EVALUATED + 1, 512)
        assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)
        assert len({tuple(np.round(row, 4)) for row in rows}) == len(rows)


def test_two_steps_of_training_leave_the_average_of_the_moved_weights(study):
    with open(study / f"{RUN}/training.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["0", "1"]
    for row in rows:
        assert 0 < float(row["loss"]) < 1e3 and 0 < float(row["gradient_norm"]) < math.inf
    folders = (study / MODELS / "unet", study / RUN)
    before, after = (dict(load_unet(folder).named_parameters()) for folder in folders)
    assert all(torch.isfinite(weights).all() for weights in after.values())
    name = "mid_block.resnets.0.conv1.weight"
    moved = (after[name] - before[name]).abs()
    # AdamW moves a weight by at most the learning rate a step. The average takes 9/11 of the first
    # and 3/4 of the second: 1.70 of the 2 steps that the weights themselves have moved at most.
    assert moved.median() > 1e-5
    assert 1.5e-4 < moved.max() < 1.71e-4


def test_the_sound_is_whole_and_not_silent(study):
    about = read_json(study / f"{SYSTEM}/clips.json")
    (path,) = (study / f"{SYSTEM}/clips").glob("*.wav")
    samples, rate = audio.read(path)
    assert (len(samples), rate) == (SAMPLES, 16000)
    assert np.isfinite(samples).all() and 0.01 < samples.std() < 0.9
    choice = about["choices"][path.stem]
    first, second = choice["scores"]
    assert -1 <= min(first, second) < max(first, second) <= 1
    assert choice["chosen"] == int(second > first)


def test_cnn14_and_vggish_tell_two_sounds_apart(study):
    """The one that was generated, and the real one of its prompt."""
    rows = {}
    for system in (SYSTEM, REAL):
        with Store(study / f"{system}/features/panns_cnn14_16k.h5") as store:
            assert store.array("embedding").shape == (EVALUATED, 2048)
            assert store.array("logits").shape == (EVALUATED, 527)
            rows[system] = store.array("embedding")[0]
        with Store(study / f"{system}/features/vggish.h5") as store:
            assert store.get("embedding", store.ids[0]).shape == (5, 128)  # 0.96 s each, of 5 s
    assert np.abs(rows[SYSTEM] - rows[REAL]).mean() > 0.1 * np.abs(rows[REAL]).mean()


def test_no_job_takes_more_memory_than_its_rule_asks_for(study):
    jobs = world.read_jobs(study)
    print("\n" + world.as_table(jobs))
    counts = {rule: [job["rule"] for job in jobs].count(rule) for rule in {j["rule"] for j in jobs}}
    assert counts == {
        **dict.fromkeys(("import_checkpoint", "make_manifest", "resample", "check_dataset"), 1),
        **dict.fromkeys(("embed_audio", "embed_text", "encode_latents"), 1),
        **dict.fromkeys(("train", "sample", "export_reference"), 1),
        "extract_features": 2,
    }
    assert not [job for job in jobs if job["peak_mb"] > job["mem_mb"]]
    peaks = {job["rule"]: job["peak_mb"] for job in jobs}
    assert peaks["train"] > 5 * 4 * 185  # weights, average, gradient and two moments of 185 M
