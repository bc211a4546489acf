"""Training in segments: each takes a state folder and leaves one, and the EMA's UNet beside.

A run cut into segments makes the same bits as one in a single go, killed or not: batch, noise and
dropout of step i depend on the seed and on i alone, and are drawn on the CPU on every device.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from ..datasets.manifest import clips_of
from ..files import replace_folder
from ..loop import train_loop
from ..resume import clear_state, fingerprint, resume_state, was_finished
from ..stages import VERSIONS
from .data import TrainingSet, scaling_factor, unconditional_embedding
from .events import LiveEvents
from .noise import make_scheduler
from .parallel import Team, started
from .precision import check_precision
from .segments import begin, mark_end, save_checkpoint, save_state
from .trainer import Trainer
from .validation import validation_loss

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
# What a component's training does without: keys that the section of a study has besides.
PLAIN = {
    "accumulate": 1,
    "optimizer": "adamw",
    "gradient_checkpointing": False,
    "lora": None,
}


def checked(training_config: Mapping) -> dict:
    """The keys of `training` that decide the weights. UserError on a precision there is not."""
    training = PLAIN | {name: training_config[name] for name in KEYS}
    training |= {name: training_config[name] for name in PLAIN if name in training_config}
    check_precision(training["precision"])
    return training


def _validate(trainer: Trainer, caches: Sequence, step: int, label: str) -> dict:
    """validation.json: the loss of the EMA's weights after `step` steps."""
    with trainer.ema.in_place():
        found = validation_loss(
            trainer.unet,
            *caches,
            scale=trainer.scaling_factor,
            alpha_bar=trainer.alpha_bar,
            batch_size=trainer.training["batch_size"],
            seed=trainer.seed,
        )
    if found["loss"] is None:
        said = "none, the validation split has no clips"
    else:
        said = f"{found['loss']:.5f} ({found['clips']} clips)"
    print(f"[{label}] validation loss after {step} steps: {said}", file=sys.stderr, flush=True)
    return found | {"step": step}


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
    processes: int = 1,
    label: str = "training",
    section: str = "training",
    leave_state: bool = True,
) -> None:
    """Steps first_step..last_step-1 of a run on the clips of the training split.

    `start` is the state that the segment before left. A run's first segment starts from a UNet
    folder ("pretrained"), or from random weights ("scratch") with that folder's settings, or
    settings given as they are (UNet2DConditionModel arguments). `condition_paths`: the shards of
    audio embeddings, or the one file of text embeddings. Leaves `out_folder` (save_checkpoint) and
    `out_state` for the next segment, without the state itself where `leave_state` is False: of a
    run's last segment nobody would use it. `state` holds what a killed segment goes on from. Same
    bits on a CPU with the same number of threads and of `processes`, which share each batch
    (parallel.py). `section`: of the config, for messages.
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
    with resume_state(state, work) as folder:
        if was_finished(folder) and Path(out_folder).exists() and Path(out_state).exists():
            return
        arguments = {
            "start": [start, first_step, initialisation],
            "caches": [list(latent_shards), list(condition_paths), clip_ids],
            "training": training,
            "diffusion_config": dict(diffusion_config),
            "unconditional": unconditional,
            "scaling_factor": scale,
            "seed": seed,
            "section": section,
            "loop": {
                "label": label,
                "first_step": first_step,
                "last_step": last_step,
                "state": folder,
                "save_every": save_every,
                "progress_every": progress_every,
            },
        }
        with started(processes, f"{__name__}:train_share", arguments, threads) as team:
            trainer, history = train_share(team, **arguments)
        caches = (latent_shards, condition_paths, manifest_path)
        validation = _validate(trainer, caches, last_step, label)
        work_folder, work_state = _fresh(folder / "out-folder"), _fresh(folder / "out-state")
        save_checkpoint(work_folder, trainer, history, validation)
        if leave_state:
            save_state(work_state, trainer)
        else:
            mark_end(work_state, last_step)
        replace_folder(work_state, Path(out_state))
        replace_folder(work_folder, Path(out_folder))
        clear_state(folder)


def _fresh(folder: Path) -> Path:
    """A folder to write in, without what a killed process left there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def train_share(
    team: Team,
    *,
    start: Sequence,
    caches: Sequence,
    training: Mapping,
    diffusion_config: Mapping,
    unconditional: torch.Tensor,
    scaling_factor: float,
    seed: int,
    section: str,
    loop: Mapping,
) -> tuple[Trainer, list[dict]]:
    """One process's part of a segment: its trainer after the last step, and the figures.

    `start`: `begin`'s first arguments; `caches`: TrainingSet's; `loop`: train_loop's. Each process
    of a team calls it with the same arguments.
    """
    live = LiveEvents(loop["state"] / "tensorboard")
    with TrainingSet(*caches) as data, contextlib.closing(live):
        unet, ema, optimizer, scaler = begin(*start, seed, training)
        trainer = Trainer(
            unet,
            ema,
            optimizer,
            data=data,
            unconditional=unconditional,
            alpha_bar=make_scheduler(diffusion_config).alphas_cumprod,
            scaling_factor=scaling_factor,
            training=training,
            seed=seed,
            section=section,
            team=team,
        )
        if scaler:
            trainer.scaler.load_state_dict(scaler)
        history = train_loop(
            trainer.step,
            stateful=trainer.stateful,
            seed=seed,
            on_save=live.update,
            team=team,
            **loop,
        )
    return trainer, history
