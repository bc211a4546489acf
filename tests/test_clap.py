"""CLAP: the front end against transformers', cuts and padding, unit vectors, the two stages."""

from __future__ import annotations

import csv
import json
import logging
import shutil

import numpy as np
import pytest
import torch

from audioldm_bench import audio
from audioldm_bench.clap import (
    embed_audio_shard,
    embed_prompts,
    load_clap,
    prompt,
)
from audioldm_bench.clap_front_end import ClapLogMel, extractor_config, write_front_end
from audioldm_bench.components.clap import build_clap
from audioldm_bench.errors import UserError
from audioldm_bench.files import file_sha256
from audioldm_bench.store import Part, Store, build_store
from audioldm_bench.tokenizer import train_tokenizer
from tiny_clap import FRONT_END as SMALL
from tiny_clap import SIZES

PAPER = SMALL | {"duration": 10.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A CLAP folder with random weights."""
    folder = tmp_path_factory.mktemp("clap")
    train_tokenizer(["a dog barks", "rain falls"], folder, 270)
    torch.manual_seed(0)
    build_clap(SIZES, SMALL, folder).model.save_pretrained(folder)
    write_front_end(folder, SMALL)
    return folder


@pytest.fixture(scope="module")
def clap(folder):
    return load_clap(folder)


def _noise(n: int, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(n) * 0.2).astype(np.float32)


@pytest.mark.parametrize("config", [PAPER, SMALL])
@pytest.mark.parametrize("share", [1.0, 0.45, 0.7])
def test_front_end_equals_the_extractor_of_transformers(tmp_path, config, share):
    from transformers import ClapFeatureExtractor

    write_front_end(tmp_path, config)
    extractor = ClapFeatureExtractor.from_pretrained(tmp_path)
    ours = ClapLogMel(extractor_config(config))
    n = round(config["duration"] * 48000)
    waveform = _noise(int(n * share))
    waveform[: len(waveform) // 3] *= 1e-3
    wanted = extractor(waveform, sampling_rate=48000, max_length=n, return_tensors="np")
    found = ours(torch.from_numpy(ours.fit(waveform))[None])
    assert found.shape == (1, 1, n // 480 + 1, 64)
    np.testing.assert_allclose(found[0], wanted["input_features"][0], atol=2e-3)  # dB


def test_front_end_values_are_written_out(tmp_path):
    write_front_end(tmp_path, PAPER)
    saved = json.loads((tmp_path / "preprocessor_config.json").read_text())
    assert saved["frequency_min"] == 50 and saved["frequency_max"] == 14000
    assert saved["truncation"] == "rand_trunc" and saved["padding"] == "repeatpad"
    assert saved["max_length_s"] == 10 and isinstance(saved["max_length_s"], int)


def test_long_sound_is_cut_to_its_beginning(clap):
    long = _noise(16000)
    first = clap.front_end.prepare(long)
    assert first.shape == (24000,)
    np.testing.assert_allclose(first, audio.resample(long, 16000, 48000)[:24000], atol=1e-6)
    changed = long.copy()
    changed[8200:] = 0.9
    embedded = clap.embed_audio([long, changed])
    np.testing.assert_allclose(embedded[0], embedded[1], atol=1e-6)


def test_short_sound_is_repeated_whole_then_padded(clap):
    short = audio.resample(_noise(3000), 16000, 48000)  # 9000 of 24000 samples
    padded = clap.front_end.fit(short)
    assert padded.shape == (24000,)
    np.testing.assert_array_equal(padded[:18000], np.tile(short, 2))
    assert not padded[18000:].any()
    with pytest.raises(ValueError, match="empty"):
        clap.front_end.fit(short[:0])


def test_embeddings_are_unit_vectors_whatever_the_batch(clap):
    sounds = [_noise(n, n) for n in (8000, 3000, 16000, *range(5000, 5010))]
    together = clap.embed_audio(sounds)
    assert together.shape == (13, 8) and together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(clap.embed_audio(sounds[1:2])[0], together[1], atol=1e-5)
    assert clap.embed_audio([]).shape == (0, 8)

    texts = ["a dog barks", "", "rain falls " * 40]  # the last is longer than the model reads
    vectors = clap.embed_text(texts)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(clap.embed_text(texts[:1])[0], vectors[0], atol=1e-5)
    np.testing.assert_allclose(clap.unconditional(), vectors[1], atol=1e-5)
    assert not np.allclose(vectors[0], vectors[1], atol=1e-3)


def test_rate_of_the_waveform_is_respected(clap):
    sound = _noise(8000)
    higher = audio.resample(sound, 16000, 48000)
    np.testing.assert_allclose(
        clap.embed_audio([sound], 16000), clap.embed_audio([higher], 48000), atol=1e-5
    )


@pytest.fixture
def shard(tmp_path):
    path = tmp_path / "shard.h5"
    sounds = {f"c{i:02d}": _noise(4000 + 500 * i, i) for i in range(18)}
    build_store(
        path,
        list(sounds),
        lambda ids: Part(ids, {"waveform": [sounds[i] for i in ids]}),
        state=tmp_path / "state-audio",
        fingerprint="x",
        attrs={"sample_rate": 16000},
    )
    return path, sounds


@pytest.mark.parametrize("duration", [None, 0.4])
def test_audio_stage_embeds_levelled_clips(tmp_path, folder, clap, shard, duration):
    path, sounds = shard
    common = {"state": tmp_path / "s", "progress_every": 60, "duration": duration}
    embed_audio_shard(path, folder, tmp_path / "a.h5", clips_per_part=5, **common)
    embed_audio_shard(path, folder, tmp_path / "b.h5", clips_per_part=64, **common)
    with Store(tmp_path / "a.h5") as a, Store(tmp_path / "b.h5") as b:
        assert a.ids == list(sounds) and a.array("embedding").shape == (18, 8)
        np.testing.assert_array_equal(a.array("embedding"), b.array("embedding"))
        found = a.get("embedding", "c03")
    sound = audio.normalise(sounds["c03"][: None if duration is None else 6400])
    sound = sound if duration is None else audio.fit(sound, 6400)
    np.testing.assert_allclose(found, clap.embed_audio([sound])[0], atol=1e-5)


def test_killed_audio_stage_goes_on_and_ends_in_the_same_bytes(
    tmp_path, folder, shard, monkeypatch
):
    path, _ = shard
    common = {"clips_per_part": 8, "progress_every": 60}
    embed_audio_shard(path, folder, tmp_path / "a.h5", state=tmp_path / "s", **common)
    normal, calls = audio.normalise, []

    def dies_in_second_part(x):
        calls.append(len(x))
        if len(calls) == 12:
            raise KeyboardInterrupt
        return normal(x)

    monkeypatch.setattr(audio, "normalise", dies_in_second_part)
    with pytest.raises(KeyboardInterrupt):
        embed_audio_shard(path, folder, tmp_path / "b.h5", state=tmp_path / "t", **common)
    assert not (tmp_path / "b.h5").exists()
    embed_audio_shard(path, folder, tmp_path / "b.h5", state=tmp_path / "t", **common)
    assert len(calls) == 12 + 10, "the first part was made again"
    assert file_sha256(tmp_path / "a.h5") == file_sha256(tmp_path / "b.h5")


def test_text_stage_applies_the_template(tmp_path, folder, clap):
    manifest = tmp_path / "manifest.csv"
    rows = [
        {"clip_id": "a", "caption": "a dog barks", "label": "Bark;Dog"},
        {"clip_id": "b", "caption": "rain", "label": "Rain"},
        {"clip_id": "c", "caption": "rain", "label": "Rain"},
    ]
    with open(manifest, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    common = {"state": tmp_path / "s"}
    template = "the sound of {label}: {caption}"
    embed_prompts(manifest, folder, tmp_path / "text.h5", template=template, **common)
    with Store(tmp_path / "text.h5") as texts:
        assert texts.ids == ["a", "b", "c"]
        prompts, found = texts.attrs["prompts"], texts.array("embedding")
        unconditional = texts.attrs["unconditional"]
    assert prompts[0] == "the sound of Bark, Dog: a dog barks" and prompts[1] == prompts[2]
    np.testing.assert_allclose(found, clap.embed_text(prompts), atol=1e-5)
    np.testing.assert_allclose(unconditional, clap.embed_text([""])[0], atol=1e-6)
    with pytest.raises(UserError, match="captoin"):
        embed_prompts(manifest, folder, tmp_path / "x.h5", template="{captoin}", **common)


@pytest.mark.parametrize("template", ["{}", "{caption", "{caption.x}", "{name}", "{0}"])
def test_wrong_templates_are_refused_in_words(template):
    with pytest.raises(UserError, match=r"only \{caption\} and \{label\}"):
        prompt(template, caption="a", label="b")


# ------------------------------------------------------------------- folders that are wrong
def _damaged(folder, tmp_path, file: str, change) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    content = json.loads((tmp_path / file).read_text())
    change(content)
    (tmp_path / file).write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.pop("frequency_min"), "frequency_min is missing"),
        (lambda c: c.update(truncation="fusion"), 'truncation is "fusion"'),
        (lambda c: c.update(padding="pad"), 'padding is "pad"'),
        (lambda c: c.update(feature_size=32), "feature_size is 32"),
    ],
)
def test_wrong_front_end_is_refused(folder, tmp_path, change, words):
    _damaged(folder, tmp_path, "preprocessor_config.json", change)
    with pytest.raises(UserError, match=words):
        load_clap(tmp_path)


def test_fusion_model_is_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    sizes = SIZES | {"audio": SIZES["audio"] | {"enable_fusion": True}}
    build_clap(sizes, SMALL, folder).model.save_pretrained(tmp_path)
    with pytest.raises(UserError, match="a fusion CLAP"):
        load_clap(tmp_path)


def test_missing_or_misfitting_weights_are_refused(folder, tmp_path):
    logging.getLogger("transformers").setLevel(logging.ERROR)
    with pytest.raises(UserError, match=r"config\.json is missing"):
        load_clap(tmp_path / "nothing")
    _damaged(
        folder, tmp_path, "config.json", lambda c: c["text_config"].update(num_hidden_layers=2)
    )
    with pytest.raises(UserError, match="do not fit"):
        load_clap(tmp_path)
