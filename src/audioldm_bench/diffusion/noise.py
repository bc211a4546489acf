"""The forward process: how noise is added, and the schedules that sampling walks back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler


def make_scheduler(diffusion_config: Mapping) -> DDIMScheduler:
    """DDIM over the config's `diffusion` schedule, with the authors' time steps.

    No clipping of latents, steps counted from 1, and the last step leads to alpha_bar of the
    first, not to 1 [code].
    """
    return DDIMScheduler(
        **_betas(diffusion_config),
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type="epsilon",
    )


class DPMSolverPP(DPMSolverMultistepScheduler):
    """DPM-Solver++(2M), whose steps are as even in log(SNR) as whole time steps can be.

    It starts from the noisiest time step and ends, as DDIM does, at alpha_bar of the first
    (final_sigmas_type sigma_min): every step is used. diffusers' spacings, even in time, leave
    most of the change in log(SNR) to the last steps (docs/sampling.md has the errors).
    """

    def set_timesteps(
        self,
        num_inference_steps: int | None = None,
        device: str | torch.device | None = None,
        **given: object,
    ) -> None:
        if num_inference_steps is not None:
            given["timesteps"] = self._even(num_inference_steps)
        super().set_timesteps(device=device, **given)

    def _even(self, steps: int) -> list[int]:
        """`steps` time steps, falling, none twice and none 0, where the last step ends."""
        half_log_snr = self.lambda_t.double().numpy()  # falls with the time step
        last = len(half_log_snr) - 1
        wanted = np.linspace(half_log_snr[-1], half_log_snr[0], steps + 1)[:-1]
        exact = np.interp(wanted, half_log_snr[::-1], np.arange(last + 1)[::-1])
        found = np.rint(exact).astype(int).tolist()
        for place in reversed(range(steps)):  # many steps: fewer whole numbers than are wanted
            found[place] = max(found[place], 1 + (found[place + 1] if place + 1 < steps else 0))
        return [min(timestep, last - place) for place, timestep in enumerate(found)]


def make_dpm_solver(diffusion_config: Mapping) -> DPMSolverPP:
    """DPM-Solver++(2M) over the config's `diffusion` schedule: deterministic, for few steps."""
    return DPMSolverPP(
        **_betas(diffusion_config),
        prediction_type="epsilon",
        algorithm_type="dpmsolver++",
        solver_order=2,
        solver_type="midpoint",
        lower_order_final=True,
        final_sigmas_type="sigma_min",
    )


def _betas(diffusion_config: Mapping) -> dict:
    return {
        "num_train_timesteps": diffusion_config["timesteps"],
        "beta_start": diffusion_config["beta_start"],
        "beta_end": diffusion_config["beta_end"],
        "beta_schedule": diffusion_config["beta_schedule"],
    }


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
