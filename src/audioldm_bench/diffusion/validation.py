"""The denoising loss on clips that are not trained on, with noise and time steps that stay the
same: the losses of two checkpoints differ by their weights alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from .. import seeds
from ..datasets.manifest import clips_of
from ..store import Store
from .data import Batch, TrainingSet
from .noise import add_noise
from .unet import predict_noise

CLIPS = 64  # that are measured
LEVELS = 8  # time steps that are measured, evenly spread


def fixed_rows(data: TrainingSet) -> Batch:
    """CLIPS clips spread over the set, for its clips often stand sorted by class."""
    return data.rows(sorted({round(k) for k in np.linspace(0, len(data) - 1, CLIPS)}))


def noise_levels(
    latents: torch.Tensor, alpha_bar: torch.Tensor
) -> Iterator[tuple[int, torch.Tensor, torch.Tensor]]:
    """(time step, noise, noisy latents) for each of LEVELS, by torch's global generator."""
    for level in range(LEVELS):
        timestep = (2 * level + 1) * len(alpha_bar) // (2 * LEVELS)
        noise = torch.randn(latents.shape)
        noisy = add_noise(latents, noise, torch.full((len(latents),), timestep), alpha_bar)
        yield timestep, noise, noisy


def predict(unet, noisy, timestep: int, condition, batch_size: int) -> torch.Tensor:
    """Predicted noise (N, C, T, F) at one time step, on the CPU."""
    where = next(unet.parameters()).device
    parts = zip(noisy.split(batch_size), condition.split(batch_size), strict=True)
    step = torch.tensor(timestep, device=where)
    return torch.cat([predict_noise(unet, z.to(where), step, c.to(where)).cpu() for z, c in parts])


@torch.no_grad()
def validation_loss(
    unet: torch.nn.Module,
    latent_shards: Sequence[Path],
    condition_paths: Sequence[Path],
    manifest_path: Path,
    *,
    scale: float,
    alpha_bar: torch.Tensor,
    batch_size: int,
    seed: int,
) -> dict:
    """Mean squared error of eps (Eq. 3) over CLIPS clips of the validation split and LEVELS time
    steps, in single precision: `loss`, None where the split has no clip, and `clips`, how many."""
    ids = [clip.clip_id for clip in clips_of(manifest_path, split="validation")]
    with Store(latent_shards) as latents:
        ids = [clip_id for clip_id in ids if clip_id in latents]
    if not ids:
        return {"loss": None, "clips": 0}
    with TrainingSet(latent_shards, condition_paths, ids) as data:
        rows = fixed_rows(data)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.derive(seed, "validation"))
        losses = []
        for timestep, noise, noisy in noise_levels(rows.sample(scale), alpha_bar):
            found = predict(unet, noisy, timestep, rows.condition, batch_size)
            losses.append(float((found - noise).square().mean()))
    return {"loss": float(np.mean(losses)), "clips": len(rows.clip_ids)}
