"""The forward process: how noise is added, and the schedule that sampling walks back."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler


def make_scheduler(diffusion_config: Mapping) -> DDIMScheduler:
    """DDIM over the config's `diffusion` schedule, with the authors' time steps.

    No clipping of latents, steps counted from 1, and the last step leads to alpha_bar of the
    first, not to 1 [code].
    """
    return DDIMScheduler(
        num_train_timesteps=diffusion_config["timesteps"],
        beta_start=diffusion_config["beta_start"],
        beta_end=diffusion_config["beta_end"],
        beta_schedule=diffusion_config["beta_schedule"],
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type="epsilon",
    )


def add_noise(
    latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor, alpha_bar: torch.Tensor
) -> torch.Tensor:
    """z_n = sqrt(alpha_bar_n) z_0 + sqrt(1 - alpha_bar_n) eps: a sample of the paper's Eq. 2.

    (B, C, T, F), (B, C, T, F), (B,) of 0..N-1 and (N,) to (B, C, T, F). Eq. 2 prints its second
    argument as (1 - alpha_bar_n) eps; the variance is meant, (1 - alpha_bar_n) I, so eps is
    multiplied by the square root, as the authors' code does.
    """
    level = alpha_bar.to(latents.device)[timesteps].view(-1, 1, 1, 1)
    return level.sqrt() * latents + (1 - level).sqrt() * noise
