"""Every component: it learns, it is saved whole, and a killed training ends in the same bytes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from component_world import AUDIO, MEL, RATE, SETTINGS

from audioldm_bench.clap import load_clap
from audioldm_bench.components import job, train_component
from audioldm_bench.components.corpus import Corpus
from audioldm_bench.errors import UserError
from audioldm_bench.features.cnn import load_cnn
from audioldm_bench.files import folder_sha256, read_json
from audioldm_bench.mel import LogMel
from audioldm_bench.vae import encode, load_vae
from audioldm_bench.vocoder import load_vocoder, vocode

ALL = ("clap", "vae", "vocoder", "tagger", "embedder")


class _Killed(BaseException):
    """Stands for SIGKILL: no handler of the code under test catches it."""


@pytest.mark.parametrize("name", ALL)
def test_training_lowers_the_loss_and_beats_chance(trained, name):
    quality = read_json(trained(name) / "quality.json")
    assert quality["component"] == name
    losses = [loss for _, loss in quality["losses"]]
    assert len(losses) == SETTINGS[name]["steps"]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:3])
    for figure in quality["figures"]:
        assert set(figure) == {"name", "value", "chance", "unit", "n", "better"}
        assert figure["n"] >= 3 and math.isfinite(figure["value"])
        better = np.sign(figure["value"] - figure["chance"])
        assert better == {"higher": 1, "lower": -1}[figure["better"]], figure


@pytest.mark.parametrize("name", ALL)
def test_killed_and_resumed_training_ends_in_the_same_bytes(world, tmp_path, monkeypatch, name):
    straight = world.train(name, tmp_path / "straight", steps=4)
    assert folder_sha256(world.train(name, tmp_path / "again", steps=4)) == folder_sha256(straight)

    calls = []

    def dies_at_third(step: int, steps: int) -> float:
        calls.append(step)
        if len(calls) == 3:
            raise _Killed
        return rate(step, steps)

    rate = job.warm_cosine
    monkeypatch.setattr(job, "warm_cosine", dies_at_third)
    with pytest.raises(_Killed):
        world.train(name, tmp_path / "killed", steps=4)
    assert not (tmp_path / "killed").exists()
    resumed = world.train(name, tmp_path / "killed", steps=4)
    assert calls == [0, 1, 2, 2, 3], "it did not go on where it was killed"
    assert folder_sha256(resumed) == folder_sha256(straight)


@pytest.mark.parametrize("name", ALL)
def test_seed_and_settings_change_the_weights(world, trained, tmp_path, name):
    other = world.train(name, tmp_path / "other", steps=2, learning_rate=1e-4)
    assert folder_sha256(other) != folder_sha256(trained(name))


def test_vae_scaling_factor_brings_latents_to_unit_variance(world, trained):
    vae = load_vae(trained("vae"))
    with Corpus(world.audio, world.manifest, AUDIO) as corpus:
        mean, logvar = encode(vae, LogMel(RATE, **MEL)(corpus.waveforms(corpus.train)))
    torch.manual_seed(0)
    latents = mean + torch.randn(mean.shape) * (0.5 * logvar).exp()
    assert mean.shape == (24, 4, 32, 32)
    assert (latents * vae.config.scaling_factor).std().item() == pytest.approx(1, abs=0.02)


def test_trained_vocoder_makes_sound_of_the_right_length(trained):
    waveforms = vocode(load_vocoder(trained("vocoder")), torch.full((2, 64, 64), -4.0), 10240)
    assert waveforms.shape == (2, 10240) and waveforms.abs().max() <= 1
    assert load_vocoder(trained("vocoder")).config.normalize_before is False


def test_trained_clap_tells_families_apart(world, trained):
    clap = load_clap(trained("clap"))
    with Corpus(world.audio, world.manifest, AUDIO) as corpus:
        sounds = clap.embed_audio(list(corpus.waveforms(corpus.heldout).numpy()))
        truth = [clip.labels[0] for clip in corpus.heldout]
    names = ["a tone", "a hiss", "ticks"]
    guess = [("Tone", "Hiss", "Tick")[i] for i in (sounds @ clap.embed_text(names).T).argmax(1)]
    assert np.mean([a == b for a, b in zip(guess, truth, strict=True)]) > 0.6


def test_backbones_give_what_the_metrics_read(trained):
    waveforms = torch.randn(3, RATE) * 0.1
    tagger = load_cnn(trained("tagger"), name="tagger")
    told = tagger.embed(waveforms)
    assert told["embedding"].shape == (3, 6) and told["logits"].shape == (3, 3)
    assert tagger.labels == ["Hiss", "Tick", "Tone"] and not tagger.examples
    alone = tagger.embed(waveforms[1:2])
    torch.testing.assert_close(alone["logits"], told["logits"][1:2])

    embedder = load_cnn(trained("embedder"), name="embedder")
    told = embedder.embed(waveforms)
    assert [tuple(rows.shape) for rows in told["embedding"]] == [(6, 6)] * 3  # 1 s of 0.16 s
    assert embedder.examples and "logits" not in told
    short = embedder.embed(waveforms[:, :800])["embedding"]
    assert [len(rows) for rows in short] == [1, 1, 1], "a short clip is padded to one example"


def test_damaged_backbone_folder_is_refused(trained, tmp_path):
    with pytest.raises(UserError, match="config.json is missing"):
        load_cnn(tmp_path, name="tagger")
    (tmp_path / "config.json").write_bytes((trained("tagger") / "config.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes(
        (trained("vae") / "diffusion_pytorch_model.safetensors").read_bytes()
    )
    with pytest.raises(UserError, match="do not fit"):
        load_cnn(tmp_path, name="tagger")


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        (
            "vocoder",
            {"model": {**SETTINGS["vocoder"]["model"], "upsample_rates": [5, 4, 4]}},
            "160",
        ),
        ("vocoder", {"model": {**SETTINGS["vocoder"]["model"], "kernels": 3}}, "has no kernels"),
        ("vae", {"model": {**SETTINGS["vae"]["model"], "levels": 3}}, "has no levels"),
        ("vae", {"crop_frames": 17}, "multiples of 2"),
        ("clap", {"audio": {**SETTINGS["clap"]["audio"], "deepness": 3}}, "has no deepness"),
        ("clap", {"audio": {**SETTINGS["clap"]["audio"], "spec_size": 96}}, "holds 96 frames"),
    ],
)
def test_wrong_settings_are_refused_in_words(world, tmp_path, name, changes, words):
    with pytest.raises(UserError, match=words):
        world.train(name, tmp_path / "refused", **changes)


def test_gradients_that_are_not_finite_stop_before_the_weights_change(world, tmp_path, monkeypatch):
    clip = torch.nn.utils.clip_grad_norm_

    def spoilt(parameters, most):
        parameters = list(parameters)
        if spoilt.left == 0:
            parameters[0].grad[:] = float("inf")
        spoilt.left -= 1
        return clip(parameters, most)

    spoilt.left = 2
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", spoilt)
    words = (
        r"gradient_norm not finite at step 2 \(learning rate 0\.\d+; clips \S+, .*"
        r"models\.trained\.tagger\.learning_rate"
    )
    with pytest.raises(UserError, match=words):
        world.train("tagger", tmp_path / "out", steps=4)
    for path in tmp_path.rglob("state-*.pt"):
        weights = torch.load(path, weights_only=True)["objects"]["network"]
        assert all(torch.isfinite(value).all() for value in weights.values())


def test_unknown_component_is_refused(world, tmp_path):
    with pytest.raises(UserError, match="choose from"):
        train_component("unet", world.audio, world.manifest, tmp_path / "x", mel_config=MEL)
