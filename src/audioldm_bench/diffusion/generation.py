"""From embeddings to waveforms: the UNet and a sampler, the VAE's decoder, the vocoder."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..errors import UserError
from ..pretrained import device
from ..vae import decode, load_vae, stride
from ..vocoder import load_vocoder, vocode
from .precision import matrix_format
from .samplers import make_sampler, sample_latents
from .unet import load_unet

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from transformers import SpeechT5HifiGan

DECODE_BATCH = 8  # clips decoded at once, at most; bounds the memory
FORMATS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass
class Generator:
    """The models of one system, frozen, on one device; of the UNet alone the format varies."""

    unet: UNet2DConditionModel
    vae: AutoencoderKL
    vocoder: SpeechT5HifiGan
    diffusion_config: Mapping

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


def resolve_precision(wanted: str) -> str:
    """fp32, bf16 or fp16 of `sampling.precision`, on this machine's device.

    auto: fp16 on a GPU (eight times finer than bf16), fp32 on a CPU. UserError on another word, or
    where the GPU has no bf16.
    """
    where = device()
    if wanted == "auto":
        return "fp16" if where.type == "cuda" else "fp32"
    if wanted not in FORMATS:
        raise UserError(f"sampling.precision: {wanted!r} must be auto, {', '.join(FORMATS)}")
    no_bf16 = where.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False)
    if wanted == "bf16" and no_bf16:
        raise UserError("sampling.precision: this GPU has no bf16; set fp16, fp32 or auto")
    return wanted


def device_name() -> str:
    """The GPU by its name, or cpu: for the record of what made a sound."""
    where = device()
    return torch.cuda.get_device_name(where) if where.type == "cuda" else where.type


def load_generator(
    unet_folder: Path,
    vae_folder: Path,
    vocoder_folder: Path,
    diffusion_config: Mapping,
    precision: str = "fp32",
) -> Generator:
    """The models of the three folders, the UNet in a format of FORMATS.

    VAE and vocoder stay float32: a log-mel of -11 is kept to 0.03 in bf16, 3 % of the level, and
    both run once a sound, not at every step (docs/sampling.md). UserError if a folder is missing
    or does not fit.
    """
    unet = load_unet(unet_folder).to(FORMATS[precision])
    generator = Generator(
        unet, load_vae(vae_folder), load_vocoder(vocoder_folder), diffusion_config
    )
    channels = generator.vae.config.latent_channels
    if generator.unet.config.in_channels != channels:
        raise UserError(
            f"{unet_folder} is for latents of {generator.unet.config.in_channels} channels, but"
            f" {vae_folder} makes {channels}: they must be of one study"
        )
    return generator


@torch.inference_mode()
def decode_latents(
    generator: Generator, latents: torch.Tensor, n_samples: int
) -> Iterator[np.ndarray]:
    """The waveforms (n_samples,) float32 of scaled latents (N, C, T, F), one after the other.

    They are decoded in equal parts, the last one filled up with its last row: so a sound has the
    same bits in whatever row it stands. Only one part's waveforms are held.
    """
    size = -(-len(latents) // -(-len(latents) // DECODE_BATCH))
    form = "fp32" if generator.unet.dtype == torch.float32 else "tf32"
    for part in latents.split(size):
        full = torch.cat([part, part[-1:].expand(size - len(part), -1, -1, -1)])
        with matrix_format(form):
            log_mel = decode(generator.vae, full)
            waveforms = vocode(generator.vocoder, log_mel, n_samples)[: len(part)]
        yield from waveforms.float().cpu().numpy()


def generate_each(
    generator: Generator,
    condition: torch.Tensor,
    unconditional: torch.Tensor,
    sources: Sequence[torch.Generator],
    *,
    duration: float,
    sampling_config: Mapping,
    after_step: Callable[[], None] | None = None,
) -> Iterator[np.ndarray]:
    """Waveforms (duration * sample_rate,) for embeddings (N, P) of text or of audio, in order.

    `duration` in s; `sources` as `seeds.clip_generator` makes them; of `sampling_config` the keys
    sampler, steps, eta and guidance_scale are used. `after_step` is called after each step.
    """
    n_samples = round(duration * generator.sample_rate)
    latents = sample_latents(
        generator.unet,
        make_sampler(sampling_config, generator.diffusion_config),
        condition,
        unconditional,
        sources,
        generator.latent_shape(n_samples),
        steps=sampling_config["steps"],
        eta=sampling_config["eta"],
        guidance_scale=sampling_config["guidance_scale"],
        after_step=after_step,
    )
    yield from decode_latents(generator, latents, n_samples)


def generate(*arguments, **settings) -> np.ndarray:
    """All the waveforms of `generate_each` as one array, (N, duration * sample_rate)."""
    return np.stack(list(generate_each(*arguments, **settings)))
