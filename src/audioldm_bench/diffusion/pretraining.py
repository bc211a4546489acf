"""The "pre-trained" diffusion model of a study without published weights: trained from scratch on
the wide corpus, by the same code as every other run, and measured on clips it has not seen."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from .. import seeds
from ..components.job import Figure, thin
from ..datasets.manifest import clips_of
from ..files import replace_folder, write_json
from ..resume import clear_state, fingerprint, resume_state, was_finished
from ..stages import VERSIONS
from .data import TrainingSet, scaling_factor
from .noise import make_scheduler
from .training import train_segment
from .unet import load_unet
from .validation import LEVELS, fixed_rows, noise_levels, predict


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
    predictor that knows no more than each latent channel's mean and variance. "n": clips.
    """
    unet, alpha_bar = load_unet(unet_folder), make_scheduler(diffusion_config).alphas_cumprod
    torch.manual_seed(seeds.derive(seed, "held-out"))
    rows = fixed_rows(data)
    latents = rows.sample(scale)
    mean = latents.mean(dim=(0, 2, 3), keepdim=True)
    variance = latents.var(dim=(0, 2, 3), keepdim=True)
    other = rows.condition.roll(len(latents) // 2, dims=0)
    sums = dict.fromkeys(("model", "swapped", "gaussian"), 0.0)
    for timestep, noise, noisy in noise_levels(latents, alpha_bar):
        keep, spread = alpha_bar[timestep], 1 - alpha_bar[timestep]
        guess = spread.sqrt() * (noisy - keep.sqrt() * mean) / (keep * variance + spread)
        sums["gaussian"] += float((guess - noise).square().mean())
        for name, condition in (("model", rows.condition), ("swapped", other)):
            found = predict(unet, noisy, timestep, condition, batch_size)
            sums[name] += float((found - noise).square().mean())
    return {"n": len(latents)} | {name: value / LEVELS for name, value in sums.items()}


def quality(losses: Mapping[str, float], history: list[dict]) -> dict:
    """quality.json of the diffusion model."""
    unit, n = "mean squared error", int(losses["n"])
    gain = losses["swapped"] - losses["model"]
    figures = [
        Figure("denoising_loss", losses["model"], losses["gaussian"], unit, n, "lower"),
        Figure("gain_by_condition", gain, 0.0, unit, n, "higher"),
    ]
    return {
        "component": "diffusion",
        "figures": [asdict(figure) for figure in figures],
        "losses": thin(history),
    }


def _history(path: Path) -> list[dict]:
    with open(path, newline="") as file:
        rows = csv.DictReader(file)
        return [{"step": int(row["step"]), "loss": float(row["loss"])} for row in rows]


def pretrain(
    out_folder: Path,
    *,
    unet_settings: Mapping,
    steps: int,
    latent_shards: Sequence[Path],
    condition_paths: Sequence[Path],
    manifest_path: Path,
    training_config: Mapping,
    diffusion_config: Mapping,
    vae_folder: Path,
    seed: int,
    state: Path,
    save_every: float,
    progress_every: float,
    threads: int,
    processes: int = 1,
) -> None:
    """Trains the UNet folder `out_folder` from scratch, and writes its quality.json.

    One segment of `steps` steps; the other arguments are those of `train_segment`. The quality is
    measured on clips of the evaluation split.
    """
    torch.set_num_threads(threads)
    inputs = {
        "latent_shards": [Path(path) for path in latent_shards],
        "condition_paths": [Path(path) for path in condition_paths],
        "manifest_path": Path(manifest_path),
        "training_config": dict(training_config),
        "diffusion_config": dict(diffusion_config),
        "vae_folder": Path(vae_folder),
        "seed": seed,
    }
    version = {"version": VERSIONS["training"], "settings": [dict(unet_settings), steps]}
    with resume_state(state, fingerprint(stage="pretraining", **version, **inputs)) as folder:
        if was_finished(folder) and Path(out_folder).exists():
            return
        trained = folder / "trained"
        if not trained.exists():
            train_segment(
                unet_settings,
                trained,
                folder / "state-last",
                initialisation="scratch",
                first_step=0,
                last_step=steps,
                **inputs,
                state=folder / "segment",
                save_every=save_every,
                progress_every=progress_every,
                threads=threads,
                processes=processes,
                label="train diffusion",
                section="models.trained.diffusion",
                leave_state=False,
            )
        losses = _measure(trained, inputs)
        write_json(trained / "quality.json", quality(losses, _history(trained / "training.csv")))
        replace_folder(trained, Path(out_folder))
        clear_state(folder)


def _measure(unet_folder: Path, inputs: Mapping) -> dict[str, float]:
    """`held_out_losses` on the evaluation split of the corpus it was trained on."""
    clip_ids = [clip.clip_id for clip in clips_of(inputs["manifest_path"], split="evaluation")]
    with TrainingSet(inputs["latent_shards"], inputs["condition_paths"], clip_ids) as data:
        return held_out_losses(
            unet_folder,
            data,
            scale=scaling_factor(inputs["vae_folder"]),
            diffusion_config=inputs["diffusion_config"],
            batch_size=inputs["training_config"]["batch_size"],
            seed=inputs["seed"],
        )
