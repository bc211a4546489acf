"""A whole checkpoint in the original layout gives back the modules it was made from, to the bit."""

from __future__ import annotations

import pytest
import torch

from audioldm_bench.checkpoints import import_audioldm
from audioldm_bench.files import file_sha256, read_json
from audioldm_bench.pretrained import load_pretrained
from audioldm_bench.tokenizer import load_tokenizer


@pytest.fixture(scope="module")
def imported(system, tmp_path_factory):
    folder = tmp_path_factory.mktemp("import")
    torch.save({"state_dict": system.state}, folder / "small.ckpt")
    out = folder / "models" / "small"
    import_audioldm(
        folder / "small.ckpt",
        out,
        tokenizer_files=system.tokenizer_files,
        clap_config=system.clap_config,
        head_channels=16,
    )
    return out


def _draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(7))


@torch.no_grad()
def test_unet_has_the_averaged_weights(imported, system):
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    unet = load_pretrained(UNet2DConditionModel, imported / "unet")
    inputs = (_draw(2, 4, 16, 8), torch.tensor([3, 900]), None)
    outputs = [
        model(*inputs, class_labels=_draw(2, 16)).sample
        for model in (unet, system.unet, system.raw)
    ]
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.allclose(outputs[0], outputs[2], rtol=0.1)


@torch.no_grad()
def test_vae_has_the_scale_factor(imported, system):
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    vae = load_pretrained(AutoencoderKL, imported / "vae")
    mel, latents = _draw(1, 1, 32, 16), _draw(1, 4, 16, 8)
    ours, theirs = vae.encode(mel).latent_dist, system.vae.encode(mel).latent_dist
    assert torch.equal(ours.parameters, theirs.parameters)
    assert torch.equal(vae.decode(latents).sample, system.vae.decode(latents).sample)
    assert vae.config.scaling_factor == 0.75


@torch.no_grad()
def test_vocoder_is_the_same(imported, system):
    from transformers import SpeechT5HifiGan

    vocoder = load_pretrained(SpeechT5HifiGan, imported / "vocoder")
    mel = _draw(1, 20, 64)
    assert torch.equal(vocoder(mel), system.vocoder(mel))


@torch.no_grad()
def test_both_clap_towers_are_the_same(imported, system):
    from transformers import ClapModel

    clap = load_pretrained(ClapModel, imported / "clap")
    tokenizer = load_tokenizer(imported / "clap", clap.config.text_config.vocab_size)
    tokens = tokenizer(["a dog barks", "rain"], padding=True, return_tensors="pt")
    mel = _draw(2, 1, 1001, 64)
    for name, inputs in (
        ("get_text_features", dict(tokens)),
        ("get_audio_features", {"input_features": mel}),
    ):
        ours, theirs = (getattr(m, name)(**inputs).pooler_output for m in (clap, system.clap))
        assert torch.equal(ours, theirs)


def test_front_end_is_the_one_clap_was_trained_with(imported):
    front_end = read_json(imported / "clap" / "preprocessor_config.json")
    wanted = {
        "sampling_rate": 48000,
        "max_length_s": 10,
        "fft_window_size": 1024,
        "hop_length": 480,
        "feature_size": 64,
        "frequency_min": 50,
        "frequency_max": 14000,
        "truncation": "rand_trunc",
        "padding": "repeatpad",
    }
    assert {key: front_end[key] for key in wanted} == wanted


def test_scheduler_has_the_betas_of_the_file(imported, system):
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    scheduler = DDIMScheduler.from_pretrained(imported / "scheduler")
    torch.testing.assert_close(scheduler.betas, system.state["betas"], rtol=1e-5, atol=0)
    assert scheduler.config.prediction_type == "epsilon"
    assert not scheduler.config.clip_sample and not scheduler.config.set_alpha_to_one


def test_source_accounts_for_every_key(imported, system):
    source = read_json(imported / "source.json")
    counted = sum(source["keys_used"].values()) + sum(source["keys_unused"].values())
    assert counted == len(system.state)
    assert source["keys_unused"]["raw weights, the EMA weights are taken"] == len(
        system.unet.state_dict()
    )
    assert source["sha256"] == file_sha256(imported.parents[1] / "small.ckpt")
    assert source["size"] == "32 channels" and source["scale_factor"] == 0.75
    for name in ("unet", "vae", "vocoder", "clap"):
        wanted = sum(p.numel() for p in getattr(system, name).parameters())
        assert source["parameters"][name] == wanted


def test_half_precision_is_stored_as_single(system, save, tmp_path):
    state = {k: v.half() if k.startswith("model_ema") else v for k, v in system.state.items()}
    import_audioldm(
        save(state),
        tmp_path / "out",
        tokenizer_files=system.tokenizer_files,
        clap_config=system.clap_config,
        head_channels=16,
    )
    from safetensors.torch import load_file

    weights = load_file(tmp_path / "out" / "unet" / "diffusion_pytorch_model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
