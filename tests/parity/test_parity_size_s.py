"""AudioLDM-S at full size, from a checkpoint file on, against the authors' code."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import parity_inputs as inputs
import pytest
import torch
from parity_check import ROBERTA, TOLERANCE
from parity_draws import SCALE_FACTOR

from audioldm_bench.clap import load_clap
from audioldm_bench.diffusion import samplers
from audioldm_bench.diffusion.data import Batch
from audioldm_bench.diffusion.noise import add_noise, make_scheduler
from audioldm_bench.diffusion.trainer import Trainer
from audioldm_bench.diffusion.unet import load_unet, predict_noise
from audioldm_bench.files import read_json
from audioldm_bench.vae import decode, encode, load_vae
from audioldm_bench.vocoder import load_vocoder, vocode

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def unet(models):
    return load_unet(models / "unet")


@pytest.fixture(scope="module")
def clap(models):
    return load_clap(models / "clap")


def test_every_key_of_the_checkpoint_is_accounted_for(models):
    source = read_json(models / "source.json")
    assert source["size"] == "S" and source["scale_factor"] == pytest.approx(SCALE_FACTOR)
    parameters = {"unet": 185_036_552, "vae": 55_376_873, "vocoder": 55_264_897}
    assert source["parameters"] == parameters | {"clap": 153_492_890}


def test_vae(models, golden):
    vae = load_vae(models / "vae")
    mean, logvar = encode(vae, inputs.mel_for_vae().to(vae.device))
    assert golden.error("vae_mean", mean) <= TOLERANCE
    assert golden.error("vae_logvar", logvar) <= TOLERANCE
    decoded = decode(vae, inputs.latents_for_vae().to(vae.device))
    assert golden.error("vae_decoded", decoded) <= TOLERANCE


def test_vocoder(models, golden):
    vocoder = load_vocoder(models / "vocoder")
    sound = vocode(vocoder, inputs.mel_for_vocoder().to(vocoder.device), 163872)
    assert golden.error("vocoder", sound) <= TOLERANCE


def test_clap_audio(clap, golden):
    """From a 16 kHz waveform on: resampler, cut or repetition, log-mel, tower, unit length."""
    for name, sound in inputs.clap_sounds().items():
        ours = clap.embed_audio([sound])
        assert golden.error(f"clap_audio_{name}", ours) <= TOLERANCE


@torch.no_grad()
def test_clap_text_from_tokens(clap, golden):
    tokens = {
        name: torch.from_numpy(golden.arrays[name]).long().to(clap.device)
        for name in ("input_ids", "attention_mask")
    }
    assert golden.error("clap_text", clap.text_vectors(tokens)) <= TOLERANCE


@pytest.mark.skipif(not ROBERTA.is_dir(), reason="RoBERTa's tokenizer is not here (../shared/data)")
def test_clap_text_from_words(clap, golden):
    tokens = clap.tokenize(inputs.TEXTS)
    for name, ids in tokens.items():
        assert np.array_equal(ids.cpu().numpy(), golden.arrays[name])
    assert golden.error("clap_text", clap.embed_text(inputs.TEXTS)) <= TOLERANCE


@torch.no_grad()
def test_unet(unet, golden):
    found = predict_noise(unet, *(given.to(unet.device) for given in inputs.unet()))
    assert golden.error("unet", found) <= TOLERANCE


@pytest.mark.parametrize("eta", inputs.ETAS)
def test_ddim_with_guidance(unet, config, golden, monkeypatch, eta):
    """Five steps, the noise given instead of drawn."""
    given = iter(inputs.ddim_noise())
    monkeypatch.setattr(samplers, "_draw", lambda sources, shape, where: next(given).to(where))
    found = samplers.sample_latents(
        unet,
        make_scheduler(config["diffusion"]),
        *inputs.ddim_conditions(),
        [torch.Generator()],
        inputs.LATENTS,
        steps=inputs.STEPS,
        eta=eta,
        guidance_scale=inputs.GUIDANCE,
    )
    assert golden.error(f"ddim_eta{eta:.0f}", found) <= TOLERANCE


def test_training_loss_and_gradient(unet, config, golden, monkeypatch):
    """From the posterior's moments: sample, scale, noise, prediction, loss, gradient."""
    given = inputs.loss()
    alpha_bar = make_scheduler(config["diffusion"]).alphas_cumprod
    with monkeypatch.context() as patch:
        patch.setattr(torch, "randn", lambda *_: given.posterior_noise)
        latents = Batch([], given.mean, given.logvar, given.condition).sample(SCALE_FACTOR)
    noisy = add_noise(latents, given.noise, given.timesteps, alpha_bar)
    trainer = SimpleNamespace(unet=unet.requires_grad_(True), training=config["training"])
    try:
        loss = Trainer._loss(trainer, noisy, given.noise, given.timesteps, given.condition)
        loss.backward()
        norm = torch.stack([p.grad.double().norm() for p in unet.parameters()]).norm()
        assert golden.error("loss", loss) <= TOLERANCE
        assert golden.error("gradient_norm", norm) <= TOLERANCE
        film = unet.class_embedding.weight.grad
        assert golden.error("gradient_film", film) <= TOLERANCE
        assert golden.error("gradient_first", unet.conv_in.weight.grad) <= TOLERANCE
    finally:
        unet.requires_grad_(False).zero_grad(set_to_none=True)
