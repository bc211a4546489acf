"""The "pre-trained" diffusion model of a study without published weights: trained from scratch on
the wide corpus, by the same code as every other run, and measured on clips it has not seen."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from .. import seeds
from ..datasets.manifest import clips_of
from ..stages import VERSIONS
from ..store import clear_state, fingerprint, replace_folder, resume_state, write_json
from .data import TrainingSet, scaling_factor
from .noise import add_noise, make_scheduler
from .training import start_run, train_segment
from .unet import load_unet, predict_noise

CLIPS = 64  # held-out clips that are measured
LEVELS = 8  # time steps that are measured, evenly spread


def _predict(unet, noisy, timestep: int, condition, batch_size: int) -> torch.Tensor:
    """Predicted noise (N, C, T, F) at one time step, on the CPU."""
    where = next(unet.parameters()).device
    parts = zip(noisy.split(batch_size), condition.split(batch_size), strict=True)
    step = torch.tensor(timestep, device=where)
    return torch.cat([predict_noise(unet, z.to(where), step, c.to(where)).cpu() for z, c in parts])


@torch.inference_mode()
def held_out_losses(
    unet_folder: Path,
    data: TrainingSet,
    *,
    scale: float,
    diffusion_config: Mapping,
    batch_size: int,
    seed: int,
) -> dict[str, float]:
    """Denoising losses (mean squared error of eps, Eq. 3) over fixed time steps and fixed noise.

    "model": as trained; "swapped": with the condition of another clip; "gaussian": of the best
    predictor that knows no more than each latent channel's mean and variance.
    """
    unet, alpha_bar = load_unet(unet_folder), make_scheduler(diffusion_config).alphas_cumprod
    torch.manual_seed(seeds.derive(seed, "held-out"))
    # Spread over the set: its clips often stand sorted by class.
    rows = data.rows(sorted({round(k) for k in np.linspace(0, len(data) - 1, CLIPS)}))
    latents = rows.sample(scale)
    mean = latents.mean(dim=(0, 2, 3), keepdim=True)
    variance = latents.var(dim=(0, 2, 3), keepdim=True)
    other = rows.condition.roll(len(latents) // 2, dims=0)
    total = len(alpha_bar)
    sums = dict.fromkeys(("model", "swapped", "gaussian"), 0.0)
    for level in range(LEVELS):
        timestep = (2 * level + 1) * total // (2 * LEVELS)
        steps = torch.full((len(latents),), timestep)
        noise = torch.randn(latents.shape)
        noisy = add_noise(latents, noise, steps, alpha_bar)
        keep, spread = alpha_bar[timestep], 1 - alpha_bar[timestep]
        guess = spread.sqrt() * (noisy - keep.sqrt() * mean) / (keep * variance + spread)
        sums["gaussian"] += float((guess - noise).square().mean())
        for name, condition in (("model", rows.condition), ("swapped", other)):
            found = _predict(unet, noisy, timestep, condition, batch_size)
            sums[name] += float((found - noise).square().mean())
    return {name: value / LEVELS for name, value in sums.items()}


def thinned(rows: Sequence, limit: int = 200) -> list:
    """At most `limit` of the rows, evenly spread, the last among them."""
    if len(rows) <= limit:
        return list(rows)
    return [rows[round(k * (len(rows) - 1) / (limit - 1))] for k in range(limit)]


def _quality(losses: Mapping[str, float], n: int, curve: list) -> dict:
    """quality.json of the diffusion model."""
    figures = [
        {
            "name": "denoising_loss",
            "value": losses["model"],
            "chance": losses["gaussian"],
            "unit": "mean squared error",
            "n": n,
            "better": "lower",
        },
        {
            "name": "gain_by_condition",
            "value": losses["swapped"] - losses["model"],
            "chance": 0.0,
            "unit": "mean squared error",
            "n": n,
            "better": "higher",
        },
    ]
    return {"component": "diffusion", "figures": figures, "losses": curve}


def _loss_curve(path: Path) -> list[list[float]]:
    with open(path, newline="") as file:
        rows = [[int(row["step"]), float(row["loss"])] for row in csv.DictReader(file)]
    return thinned(rows)


def pretrain(
    out_folder: Path,
    *,
    unet_settings: Mapping,
    steps: int,
    latent_shards: Sequence[Path],
    condition_paths: Sequence[Path],
    text_path: Path,
    manifest_path: Path,
    condition: str,
    training_config: Mapping,
    diffusion_config: Mapping,
    vae_folder: Path,
    seed: int,
    state: Path,
    save_every: float,
    progress_every: float,
    threads: int,
) -> None:
    """Trains the model folder `out_folder` from scratch in one segment, and its quality.json.

    Arguments as of `train_segment`; the quality is measured on clips of the evaluation split.
    """
    sources = [Path(p) for p in (condition_paths if condition == "audio" else [text_path])]
    work = fingerprint(
        stage="pretraining",
        version=VERSIONS["training"],
        inputs=[
            *map(Path, (manifest_path, vae_folder, text_path)),
            *map(Path, latent_shards),
            *sources,
        ],
        settings=[dict(unet_settings), steps, dict(training_config), dict(diffusion_config), seed],
    )
    with resume_state(state, work) as folder:
        first, trained = folder / "state-0", folder / "trained"
        if not (first / "state.pt").exists():
            start_run(folder / "step-0", first, seed=seed, unet_settings=unet_settings)
        if not trained.exists():
            train_segment(
                first,
                trained,
                folder / "state-last",
                first_step=0,
                last_step=steps,
                latent_shards=latent_shards,
                condition_paths=condition_paths,
                text_path=text_path,
                manifest_path=manifest_path,
                condition=condition,
                training_config=training_config,
                diffusion_config=diffusion_config,
                vae_folder=vae_folder,
                seed=seed,
                state=folder / "segment",
                save_every=save_every,
                progress_every=progress_every,
                threads=threads,
                label="pre-training",
            )
        held_out = [clip.clip_id for clip in clips_of(manifest_path, split="evaluation")]
        data = TrainingSet(latent_shards, sources, held_out)
        losses = held_out_losses(
            trained,
            data,
            scale=scaling_factor(vae_folder),
            diffusion_config=diffusion_config,
            batch_size=training_config["batch_size"],
            seed=seed,
        )
        curve = _loss_curve(trained / "training.csv")
        write_json(trained / "quality.json", _quality(losses, min(CLIPS, len(data)), curve))
        data.close()
        replace_folder(trained, Path(out_folder))
        clear_state(folder)
