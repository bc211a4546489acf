"""Training in segments: each takes a state folder and leaves one, and the EMA's UNet beside.

A run cut into segments makes the same bits as one in a single go, killed or not: batch, noise and
dropout of step i depend on the seed and on i alone, and are drawn on the CPU on every device.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from ..datasets.manifest import clips_of
from ..errors import UserError
from ..files import read_json, replace_folder, write_atomically, write_json
from ..loop import train_loop
from ..pretrained import device
from ..resume import clear_state, fingerprint, resume_state, was_finished
from ..stages import VERSIONS
from .data import TrainingSet, scaling_factor, unconditional_embedding
from .ema import EMA
from .noise import make_scheduler
from .trainer import Trainer
from .unet import build_unet, initial_unet, load_unet, read_settings, save_unet, settings_of

STATE = "state.pt"
COLUMNS = ("step", "loss", "learning_rate", "gradient_norm")
# The keys of the config's `training` section that a segment's weights depend on.
KEYS = (
    "batch_size",
    "learning_rate",
    "warmup_steps",
    "weight_decay",
    "ema_decay",
    "condition_dropout",
    "gradient_clip",
    "precision",
)
PRECISIONS = ("fp32", "bf16")
INITIALISATIONS = ("scratch", "pretrained")


# ------------------------------------------------------------------------------ the folders
def save_state(folder: Path, unet, ema: EMA, optimizer) -> None:
    """What the next segment needs: the UNet's settings, raw weights, EMA and optimizer."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", settings_of(unet))
    content = {
        "unet": unet.state_dict(),
        "ema": ema.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    with write_atomically(folder / STATE) as draft, open(draft, "wb") as file:
        torch.save(content, file)  # to a file, not a path: its name would enter the bytes


def _first_unet(start: Path | Mapping, initialisation: str, seed: int):
    """The UNet of step 0: of the folder `start`, or drawn anew with its (or the) settings."""
    if initialisation not in INITIALISATIONS:
        known = ", ".join(INITIALISATIONS)
        raise UserError(f"initialisation: {initialisation!r} must be one of {known}")
    if initialisation == "pretrained":
        return load_unet(start)
    return initial_unet(start if isinstance(start, Mapping) else read_settings(start), seed)


def _begin(start: Path | Mapping, initialisation: str, seed: int, training: Mapping):
    """UNet, EMA and optimizer on this machine's device: new, or as `save_state` left them."""
    content = None
    if not isinstance(start, Mapping) and (start / STATE).exists():
        content = torch.load(start / STATE, weights_only=True, map_location="cpu")
        with torch.device("meta"):  # no second copy of gigabytes; the others go as they are used
            unet = build_unet(read_json(start / "config.json"))
        unet.load_state_dict(content.pop("unet"), assign=True)
    else:
        unet = _first_unet(start, initialisation, seed)
    unet.to(device()).train().requires_grad_(True)
    ema = EMA(unet, training["ema_decay"])
    optimizer = torch.optim.AdamW(
        unet.parameters(),
        lr=training["learning_rate"],
        weight_decay=training["weight_decay"],
        fused=True,
    )
    if content is not None:
        ema.load_state_dict(content.pop("ema"))
        optimizer.load_state_dict(content.pop("optimizer"))
    return unet, ema, optimizer


def save_checkpoint(folder: Path, unet, ema: EMA, history: Sequence[Mapping]) -> None:
    """The EMA's UNet and training.csv, a row a step."""
    save_unet(unet, folder, ema.weights)
    with write_atomically(folder / "training.csv") as draft, open(draft, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([row[name] for name in COLUMNS] for row in history)


# ------------------------------------------------------------------------------ the segment
def checked(training_config: Mapping) -> dict:
    """The keys of `training` that decide the weights. UserError on a precision there is not."""
    training = {name: training_config[name] for name in KEYS}
    if training["precision"] not in PRECISIONS:
        raise UserError(
            f"training.precision: {training['precision']!r} must be one of {', '.join(PRECISIONS)}"
        )
    return training


def _put_in_place(folder: Path, out_folder: Path, out_state: Path, trainer: Trainer, history):
    """Writes both outputs in the work folder, then moves each into place whole."""
    save_state(folder / "out-state", trainer.unet, trainer.ema, trainer.optimizer)
    save_checkpoint(folder / "out-folder", trainer.unet, trainer.ema, history)
    replace_folder(folder / "out-state", out_state)
    replace_folder(folder / "out-folder", out_folder)


def train_segment(
    start: Path | Mapping,
    out_folder: Path,
    out_state: Path,
    *,
    initialisation: str,
    first_step: int,
    last_step: int,
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
    label: str = "training",
) -> None:
    """Steps first_step..last_step-1 of a run on the clips of the training split.

    `start` is the state that the segment before left. A run's first segment starts from a UNet
    folder ("pretrained"), or from random weights ("scratch") with that folder's settings, or
    settings given as they are (UNet2DConditionModel arguments). `condition_paths`: the shards of
    audio embeddings, or the one file of text embeddings. Leaves `out_folder` (UNet
    folder of EMA weights, training.csv) and `out_state` for the next segment; `state` holds what
    a killed segment goes on from. Same bits on a CPU with the same number of threads.
    """
    torch.set_num_threads(threads)
    training = checked(training_config)
    clip_ids = [clip.clip_id for clip in clips_of(manifest_path, split="train")]
    scale, unconditional = scaling_factor(vae_folder), unconditional_embedding(condition_paths[0])
    start = dict(start) if isinstance(start, Mapping) else Path(start)
    work = fingerprint(
        stage="training",
        version=VERSIONS["training"],
        start=[start, initialisation],
        inputs=[*map(Path, latent_shards), *map(Path, condition_paths)],
        clips=hashlib.sha256("\n".join(clip_ids).encode()).hexdigest(),
        unconditional=unconditional.tolist(),
        settings=[training, dict(diffusion_config), scale, seed, first_step, last_step],
    )
    with (
        resume_state(state, work) as folder,
        TrainingSet(latent_shards, condition_paths, clip_ids) as data,
    ):
        if was_finished(folder) and Path(out_folder).exists() and Path(out_state).exists():
            return
        trainer = Trainer(
            *_begin(start, initialisation, seed, training),
            data=data,
            unconditional=unconditional,
            alpha_bar=make_scheduler(diffusion_config).alphas_cumprod,
            scaling_factor=scale,
            training=training,
            seed=seed,
        )
        history = train_loop(
            trainer.step,
            label=label,
            stateful=trainer.stateful,
            first_step=first_step,
            last_step=last_step,
            seed=seed,
            state=folder,
            save_every=save_every,
            progress_every=progress_every,
        )
        _put_in_place(folder, Path(out_folder), Path(out_state), trainer, history)
        clear_state(folder)
