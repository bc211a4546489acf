"""From embeddings to waveforms: DDIM with guidance, VAE decoder, vocoder."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..errors import UserError
from ..vae import decode, load_vae, stride
from ..vocoder import load_vocoder, vocode
from .noise import make_scheduler
from .unet import load_unet, predict_noise

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler
    from transformers import SpeechT5HifiGan

DECODE_BATCH = 8  # clips decoded at once; bounds the memory, and alone decides the bits
SAMPLERS = ("ddim",)


@dataclass
class Generator:
    """The models of one system, frozen, on one device."""

    unet: UNet2DConditionModel
    vae: AutoencoderKL
    vocoder: SpeechT5HifiGan
    scheduler: DDIMScheduler

    @property
    def sample_rate(self) -> int:
        """Hz of the waveforms."""
        return self.vocoder.config.sampling_rate

    def latent_shape(self, n_samples: int) -> tuple[int, int, int]:
        """(C, T, F) of latents that hold `n_samples`; T as the UNet can halve it down and up."""
        hop = math.prod(self.vocoder.config.upsample_rates)
        cell = stride(self.vae)
        halvings = 2 ** (len(self.unet.config.block_out_channels) - 1)
        frames = math.ceil(n_samples / (hop * cell * halvings)) * halvings
        return self.unet.config.in_channels, frames, self.vocoder.config.model_in_dim // cell


def load_generator(
    unet_folder: Path, vae_folder: Path, vocoder_folder: Path, diffusion_config: Mapping
) -> Generator:
    """The models of the three folders. UserError if one is missing or does not fit."""
    generator = Generator(
        load_unet(unet_folder),
        load_vae(vae_folder),
        load_vocoder(vocoder_folder),
        make_scheduler(diffusion_config),
    )
    channels = generator.vae.config.latent_channels
    if generator.unet.config.in_channels != channels:
        raise UserError(
            f"{unet_folder} is for latents of {generator.unet.config.in_channels} channels, but"
            f" {vae_folder} makes {channels}: they must be of one study"
        )
    return generator


def _draw(sources: Sequence[torch.Generator], shape: tuple[int, ...], where) -> torch.Tensor:
    """A row of noise from each source. Drawn on the CPU: the same on every device."""
    return torch.stack([torch.randn(shape, generator=source) for source in sources]).to(where)


def _set_steps(scheduler: DDIMScheduler, steps: int) -> None:
    total = scheduler.config.num_train_timesteps
    last = (steps - 1) * (total // steps) + 1 if 0 < steps <= total else total
    if last >= total:
        raise UserError(f"sampling.steps: {steps} must be from 1 to {total - 1}")
    scheduler.set_timesteps(steps)


@torch.inference_mode()
def sample_latents(
    unet: UNet2DConditionModel,
    scheduler: DDIMScheduler,
    condition: torch.Tensor,
    unconditional: torch.Tensor,
    sources: Sequence[torch.Generator],
    shape: tuple[int, int, int],
    *,
    steps: int,
    eta: float,
    guidance_scale: float,
) -> torch.Tensor:
    """Scaled latents (N, C, T, F) of conditions (N, P), by DDIM with classifier-free guidance.

    The noise of row k, first and at each step, comes from `sources[k]` alone. Both predictions
    of guidance are one pass of the doubled batch; at a scale of 1 there is only one.
    """
    where = next(unet.parameters()).device
    guided = guidance_scale != 1
    classes = condition.to(where)
    if guided:
        classes = torch.cat([unconditional.to(where).expand_as(classes), classes])
    _set_steps(scheduler, steps)
    latents = _draw(sources, shape, where) * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        noisy = torch.cat([latents, latents]) if guided else latents
        predicted = predict_noise(unet, noisy, timestep, classes)
        if guided:
            without, with_ = predicted.chunk(2)
            predicted = without + guidance_scale * (with_ - without)
        noise = _draw(sources, shape, where) if eta > 0 else None
        latents = scheduler.step(
            predicted, timestep, latents, eta=eta, variance_noise=noise, return_dict=False
        )[0]
    return latents


@torch.inference_mode()
def decode_latents(generator: Generator, latents: torch.Tensor, n_samples: int) -> np.ndarray:
    """Scaled latents (N, C, T, F) to waveforms (N, n_samples) float32."""
    rows = []
    for part in latents.split(DECODE_BATCH):
        log_mel = decode(generator.vae, part)
        rows.append(vocode(generator.vocoder, log_mel, n_samples).float().cpu())
    return torch.cat(rows).numpy()


def generate(
    generator: Generator,
    condition: torch.Tensor,
    unconditional: torch.Tensor,
    sources: Sequence[torch.Generator],
    *,
    duration: float,
    sampling_config: Mapping,
) -> np.ndarray:
    """Waveforms (N, duration * sample_rate) for embeddings (N, P) of text or of audio.

    `duration` in s; `sources` as `seeds.clip_generator` makes them; of `sampling_config` the keys
    sampler, steps, eta and guidance_scale are used.
    """
    if sampling_config["sampler"] not in SAMPLERS:
        raise UserError(
            f"sampling.sampler: {sampling_config['sampler']!r} must be {' or '.join(SAMPLERS)}"
        )
    n_samples = round(duration * generator.sample_rate)
    latents = sample_latents(
        generator.unet,
        generator.scheduler,
        condition,
        unconditional,
        sources,
        generator.latent_shape(n_samples),
        steps=sampling_config["steps"],
        eta=sampling_config["eta"],
        guidance_scale=sampling_config["guidance_scale"],
    )
    return decode_latents(generator, latents, n_samples)
