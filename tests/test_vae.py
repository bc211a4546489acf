"""The VAE: shapes, scaling, and the stage that keeps posteriors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from audioldm_bench import audio
from audioldm_bench.components.vae import build_vae
from audioldm_bench.errors import UserError
from audioldm_bench.files import file_sha256
from audioldm_bench.mel import LogMel
from audioldm_bench.store import Part, Store, build_store
from audioldm_bench.vae import check_shape, decode, encode, encode_shard, load_vae, prepare, stride

MEL = {
    "n_fft": 1024,
    "hop_length": 160,
    "win_length": 1024,
    "n_mels": 64,
    "f_min": 0,
    "f_max": 8000,
}
AUDIO = {"sample_rate": 16000, "duration": 0.32, "resampler": "sinc_hann"}
MODEL = {
    "block_out_channels": [4, 4, 8],
    "layers_per_block": 1,
    "norm_num_groups": 2,
    "latent_channels": 3,
    "scaling_factor": 2.5,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vae")
    torch.manual_seed(0)
    build_vae(MODEL, 64).save_pretrained(folder)
    return folder


def test_latents_are_channels_time_frequency(folder):
    vae = load_vae(folder)
    assert stride(vae) == 4
    mean, logvar = encode(vae, torch.randn(2, 32, 64))
    assert mean.shape == logvar.shape == (2, 3, 8, 16), "32 frames are 8 cells, 64 bands 16"
    assert decode(vae, mean).shape == (2, 32, 64)


def test_decode_takes_scaled_latents(folder):
    vae = load_vae(folder)
    latents = torch.randn(1, 3, 8, 16)
    with torch.no_grad():
        wanted = vae.decode(latents).sample[:, 0]
    torch.testing.assert_close(decode(vae, latents * 2.5), wanted)


def test_clip_is_cut_then_levelled_then_padded():
    loud_end = np.concatenate([np.sin(np.arange(100)), np.full(50, 30.0)]).astype(np.float32)
    ready = prepare(loud_end, 100)
    assert ready.shape == (100,) and np.abs(ready).max() == pytest.approx(0.5)
    padded = prepare(loud_end[:60] + 1, 100)
    assert padded[:60].mean() == pytest.approx(0, abs=1e-6) and not padded[60:].any()


@pytest.fixture
def shard(tmp_path):
    rng = np.random.default_rng(0)
    lengths = [3000, 5120, 9000, *[5120] * 8]
    sounds = {f"c{i:02d}": rng.standard_normal(n).astype(np.float32) for i, n in enumerate(lengths)}
    path = tmp_path / "audio.h5"
    build_store(
        path,
        list(sounds),
        lambda ids: Part(ids, {"waveform": [sounds[i] for i in ids]}),
        state=tmp_path / "state-audio",
        fingerprint="x",
        attrs={"sample_rate": 16000},
    )
    return path, sounds


def _encode(shard, folder, out, **changes):
    path, _ = shard
    settings = {
        "mel_config": MEL,
        "audio_config": AUDIO,
        "state": out.with_suffix(".state"),
        "clips_per_part": 8,
        "progress_every": 60,
    }
    encode_shard(path, folder, out, **(settings | changes))


def test_stage_keeps_the_posterior_of_each_clip(tmp_path, folder, shard):
    _encode(shard, folder, tmp_path / "a.h5")
    _, sounds = shard
    with Store(tmp_path / "a.h5") as store:
        assert store.ids == list(sounds) and store.names == ["logvar", "mean"]
        mean, logvar = store.array("mean"), store.array("logvar")
    assert mean.shape == logvar.shape == (11, 3, 8, 16) and mean.dtype == np.float16
    for i, sound in enumerate(sounds.values()):
        mel = LogMel(16000, **MEL)(torch.from_numpy(prepare(sound, 5120))[None])
        wanted = encode(load_vae(folder), mel)
        np.testing.assert_allclose(mean[i], wanted[0][0], atol=2e-3, rtol=2e-3)
        np.testing.assert_allclose(logvar[i], wanted[1][0], atol=2e-3, rtol=2e-3)


def test_parts_and_a_kill_change_no_byte(tmp_path, folder, shard, monkeypatch):
    _encode(shard, folder, tmp_path / "a.h5")
    _encode(shard, folder, tmp_path / "b.h5", clips_per_part=3)
    fit, calls = audio.fit, []

    def dies_in_second_part(x, n):
        calls.append(n)
        if len(calls) == 10:
            raise KeyboardInterrupt
        return fit(x, n)

    monkeypatch.setattr(audio, "fit", dies_in_second_part)
    with pytest.raises(KeyboardInterrupt):
        _encode(shard, folder, tmp_path / "c.h5")
    _encode(shard, folder, tmp_path / "c.h5")
    assert len(calls) == 10 + 3, "the first part was made again"
    whole = {file_sha256(tmp_path / f"{name}.h5") for name in "abc"}
    assert len(whole) == 1


def test_length_that_the_stride_does_not_divide_is_refused(tmp_path, folder, shard):
    with pytest.raises(UserError, match=r"audio\.duration gives 30 frames"):
        _encode(shard, folder, tmp_path / "a.h5", audio_config=AUDIO | {"duration": 0.3})
    check_shape(load_vae(folder), 32, 64)


def test_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"config\.json is missing"):
        load_vae(tmp_path)


def test_weights_of_another_shape_are_refused(folder, tmp_path):
    torch.manual_seed(0)
    build_vae(MODEL | {"latent_channels": 5}, 64).save_pretrained(tmp_path)
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    with pytest.raises(UserError, match=str(tmp_path)):
        load_vae(tmp_path)
