"""What the original code and ours are given: the same numbers, drawn from names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from parity_draws import log_mel, noise, unit, waveform

RATES = (  # Hz in and out: those of the datasets, and CLAP's
    (44100, 16000),
    (48000, 16000),
    (22050, 16000),
    (11025, 16000),
    (8000, 16000),
    (16000, 48000),
)
SOUND_RATE = 44100
LATENTS = (8, 256, 16)
STEPS, GUIDANCE, ETAS = 5, 2.5, (0.0, 1.0)
TEXTS = (
    "",
    "a dog barks while rain falls on a tin roof",
    "Siren",
    "An engine idles, then revs up; people talk (quietly) in the background.",
)


def white(rate: int) -> np.ndarray:
    """A second of white noise, the hardest sound for a resampler."""
    return noise(f"white {rate}", rate).numpy() * np.float32(0.1)


def sound() -> np.ndarray:
    """7 s at SOUND_RATE, with a mean that is not 0."""
    return waveform("sound", 7 * SOUND_RATE)


def clap_sounds() -> dict[str, np.ndarray]:
    """At 16 kHz: one that CLAP cuts, and one that it repeats twice and pads."""
    return {"long": waveform("clap long", 163840), "short": waveform("clap short", 60000)}


def mel_for_vae() -> torch.Tensor:
    return log_mel("mel for vae", 1, 1024, 64)


def latents_for_vae() -> torch.Tensor:
    return noise("latents for vae", 1, *LATENTS)


def mel_for_vocoder() -> torch.Tensor:
    return log_mel("mel for vocoder", 1, 1024, 64)


def unet() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Noisy latents, time steps and conditions of two clips."""
    return noise("unet", 2, *LATENTS), torch.tensor([3, 740]), unit("unet condition", 2, 512)


def ddim_conditions() -> tuple[torch.Tensor, torch.Tensor]:
    """A condition and the unconditional one, (1, 512) each."""
    return unit("ddim condition", 1, 512), unit("ddim unconditional", 1, 512)


def ddim_noise() -> list[torch.Tensor]:
    """The latents to start from and the noise of each step."""
    return [noise(f"ddim {step}", 1, *LATENTS) for step in range(STEPS + 1)]


@dataclass
class LossInputs:
    """Moments of the posterior, its noise, and what the loss is given of two clips."""

    mean: torch.Tensor
    logvar: torch.Tensor
    posterior_noise: torch.Tensor
    noise: torch.Tensor
    timesteps: torch.Tensor
    condition: torch.Tensor


def loss() -> LossInputs:
    names = ("mean", "logvar", "posterior noise", "noise")
    mean, logvar, posterior_noise, added = (noise(f"loss {n}", 2, *LATENTS) for n in names)
    timesteps, condition = torch.tensor([120, 871]), unit("loss condition", 2, 512)
    return LossInputs(mean, logvar - 3, posterior_noise, added, timesteps, condition)
