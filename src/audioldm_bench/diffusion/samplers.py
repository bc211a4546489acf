"""From noise to latents: the samplers, with classifier-free guidance and a noise source a row."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch

from ..errors import UserError
from .noise import DPMSolverPP, make_dpm_solver, make_scheduler
from .replay import Replay
from .unet import predict_noise

if TYPE_CHECKING:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    Scheduler = DDIMScheduler | DPMSolverPP

# of UNets on a GPU, by the model
RECORDED: weakref.WeakKeyDictionary[torch.nn.Module, Replay] = weakref.WeakKeyDictionary()
SAMPLERS = {"ddim": make_scheduler, "dpm_solver_pp": make_dpm_solver}


def make_sampler(sampling_config: Mapping, diffusion_config: Mapping) -> Scheduler:
    """A new scheduler of `sampling.sampler`. UserError on an unknown one, or on steps or fresh
    noise (eta) that it cannot take."""
    name, steps = sampling_config["sampler"], sampling_config["steps"]
    if name not in SAMPLERS:
        raise UserError(f"sampling.sampler: {name!r} must be {' or '.join(SAMPLERS)}")
    if name == "dpm_solver_pp" and sampling_config["eta"] > 0:
        raise UserError(
            f"sampling.eta: {sampling_config['eta']} must be 0: dpm_solver_pp draws no fresh noise"
        )
    scheduler = SAMPLERS[name](diffusion_config)
    _set_steps(scheduler, steps)
    return scheduler


def _set_steps(scheduler: Scheduler, steps: int) -> None:
    total = scheduler.config.num_train_timesteps
    if not 0 < steps < total:  # both count from time step 1 on
        raise UserError(f"sampling.steps: {steps} must be from 1 to {total - 1}")
    scheduler.set_timesteps(steps)


def _draw(sources: Sequence[torch.Generator], shape: tuple[int, ...], where) -> torch.Tensor:
    """A row of noise from each source. Drawn on the CPU: the same on every device."""
    noise = torch.stack([torch.randn(shape, generator=source) for source in sources])
    if where.type == "cuda":  # so that the copy waits for no kernel
        noise = noise.pin_memory()
    return noise.to(where, non_blocking=True)


@torch.inference_mode()
def sample_latents(
    unet: UNet2DConditionModel,
    scheduler: Scheduler,
    condition: torch.Tensor,
    unconditional: torch.Tensor,
    sources: Sequence[torch.Generator],
    shape: tuple[int, int, int],
    *,
    steps: int,
    eta: float,
    guidance_scale: float,
    after_step: Callable[[], None] | None = None,
) -> torch.Tensor:
    """Scaled latents (N, C, T, F) float32 of conditions (N, P), with classifier-free guidance.

    The noise of row k, first and (DDIM, eta > 0) at each step, comes from `sources[k]` alone.
    Both predictions of guidance are one pass of the doubled batch; at a scale of 1 there is only
    one. The UNet sees its own number format; guidance and steps are float32, for in half
    precision the differences that they multiply are lost. UserError if the latents are not finite.
    """
    where = next(unet.parameters()).device
    guided = guidance_scale != 1
    classes = condition.to(where)
    if guided:
        classes = torch.cat([unconditional.to(where).expand_as(classes), classes])
    _set_steps(scheduler, steps)
    latents = _draw(sources, shape, where) * scheduler.init_noise_sigma
    there = scheduler.timesteps.to(where)  # all at once: a copy a step would wait for the GPU
    for timestep, seen in zip(scheduler.timesteps, there, strict=True):
        noisy = torch.cat([latents, latents]) if guided else latents
        predicted = _predict(unet, noisy, seen, classes)
        if guided:
            without, with_ = predicted.chunk(2)
            predicted = without + guidance_scale * (with_ - without)
        more = {}
        if not isinstance(scheduler, DPMSolverPP):
            more["variance_noise"] = _draw(sources, shape, where) if eta > 0 else None
            more["eta"] = eta
        latents = scheduler.step(predicted, timestep, latents, return_dict=False, **more)[0]
        if after_step:
            after_step()
    _check_finite(latents, unet)
    return latents


def _predict(unet, noisy: torch.Tensor, timestep: torch.Tensor, classes) -> torch.Tensor:
    """The predicted noise, float32, by a UNet of any number format."""
    form, where = next(unet.parameters()).dtype, next(unet.parameters()).device
    arguments = noisy.to(form), timestep, classes.to(form)
    if where.type != "cuda":
        return predict_noise(unet, *arguments).float()
    if unet not in RECORDED:  # all batches have one shape
        RECORDED[unet] = Replay(partial(predict_noise, weakref.proxy(unet)))
    return RECORDED[unet](*arguments).to(torch.float32, copy=True)


def _check_finite(latents: torch.Tensor, unet) -> None:
    if torch.isfinite(latents).all():
        return
    form = next(unet.parameters()).dtype
    cure = (
        "the checkpoint's weights are broken; train it anew"
        if form == torch.float32
        else "numbers of this model are too large for it: set sampling.precision to fp32"
        + (" or bf16" if form == torch.float16 else "")
    )
    raise UserError(f"the sampled latents are not finite ({str(form)[6:]}): {cure}")
