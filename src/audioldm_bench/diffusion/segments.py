"""What a segment of training starts from and leaves: the state for the next, and the checkpoint."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from ..errors import UserError
from ..files import read_json, write_atomically, write_json
from ..pretrained import device
from ..states import in_a_line, is_damage, read_state
from .ema import EMA
from .events import save_events
from .lora import ADAPTER, add_adapter, has_adapter, merged_weights, save_adapter
from .optimizers import make_optimizer
from .trainer import Trainer
from .unet import build_unet, initial_unet, load_unet, read_settings, save_unet, settings_of

STATE = "state.pt"
COLUMNS = ("step", "loss", "learning_rate", "gradient_norm")
INITIALISATIONS = ("scratch", "pretrained")


def save_state(folder: Path, trainer: Trainer) -> None:
    """What the next segment needs: the UNet's settings, raw weights, EMA, optimizer, scaler."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", settings_of(trainer.unet))
    content = {
        "unet": trainer.unet.state_dict(),
        "ema": trainer.ema.state_dict(),
        "optimizer": trainer.optimizer.state_dict(),
        "scaler": trainer.scaler.state_dict(),
    }
    with write_atomically(folder / STATE) as draft, open(draft, "wb") as file:
        torch.save(content, file)  # to a file, not a path: its name would enter the bytes


def mark_end(folder: Path, step: int) -> None:
    """In place of a state that no segment would use."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "end.json", {"step": step})


def _first_unet(start: Path | Mapping, initialisation: str, seed: int, training: Mapping):
    """The UNet of step 0: of the folder `start`, or drawn anew with its (or the) settings."""
    if initialisation not in INITIALISATIONS:
        known = ", ".join(INITIALISATIONS)
        raise UserError(f"initialisation: {initialisation!r} must be one of {known}")
    if initialisation == "pretrained":
        return load_unet(start)
    if training["lora"] is not None:
        raise UserError(
            "training.lora: an adapter beside random weights learns nothing;"
            " set training.initialisations to [pretrained]"
        )
    return initial_unet(start if isinstance(start, Mapping) else read_settings(start), seed)


def _read_state(start: Path | Mapping, first_step: int) -> dict | None:
    """The state that the segment before left; None for a run's first segment."""
    if first_step == 0:
        return None
    again = "delete the folder, so that its segment is made again"
    if not (start / STATE).exists():
        raise UserError(f"{start} holds no {STATE}: its run was to end there. To go on, {again}")
    try:
        return read_state(start / STATE)
    except Exception as error:  # whatever zipfile and torch raise
        cure = again if is_damage(error) else f"run again; where that does not help, {again}"
        raise UserError(f"{start / STATE} cannot be read ({in_a_line(error)}): {cure}") from error


def begin(
    start: Path | Mapping, first_step: int, initialisation: str, seed: int, training: Mapping
) -> tuple[torch.nn.Module, EMA, torch.optim.Optimizer, dict]:
    """UNet, EMA and optimizer on this machine's device, new or as `save_state` left them, and the
    scaler's state."""
    content = _read_state(start, first_step)
    if content is None:
        unet = _first_unet(start, initialisation, seed, training)
    else:
        with torch.device("meta"):  # no second copy of gigabytes; the others go as they are used
            unet = build_unet(read_json(start / "config.json"))
    unet.train().requires_grad_(True)
    if training["lora"] is not None:
        add_adapter(unet, training["lora"], seed)
    if content is not None:
        unet.load_state_dict(content.pop("unet"), assign=True)
    if training["gradient_checkpointing"]:
        unet.enable_gradient_checkpointing()
    unet.to(device())
    ema = EMA(unet, training["ema_decay"])
    optimizer = make_optimizer(unet, training)
    if content is None:
        return unet, ema, optimizer, {}
    ema.load_state_dict(content.pop("ema"))
    optimizer.load_state_dict(content.pop("optimizer"))
    return unet, ema, optimizer, content["scaler"]


def save_checkpoint(
    folder: Path, trainer: Trainer, history: Sequence[Mapping], validation: Mapping
) -> None:
    """The EMA's UNet (an adapter merged in, and beside it as it is), training.csv with a row a
    step, validation.json and TensorBoard's curves."""
    unet = trainer.unet
    with trainer.ema.in_place():
        save_unet(unet, folder, merged_weights(unet) if has_adapter(unet) else None)
        if has_adapter(unet):
            save_adapter(unet, folder / ADAPTER)
    with write_atomically(folder / "training.csv") as draft, open(draft, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([row[name] for name in COLUMNS] for row in history)
    write_json(folder / "validation.json", dict(validation))
    save_events(folder, history, validation)
