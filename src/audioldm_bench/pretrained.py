"""Model folders are loaded here: whole, from disk, to the device of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import torch

from .errors import UserError

Model = TypeVar("Model", bound=torch.nn.Module)


def device() -> torch.device:
    """The first GPU if CUDA has one, else the CPU; kernels that give the same bits every time."""
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False  # fp32 means fp32; bf16 is a setting
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_pretrained(kind: type[Model], folder: Path) -> Model:
    """The frozen model of class `kind` (of transformers or diffusers) saved in `folder`.

    On the machine's device, in evaluation mode, without gradients. UserError if the folder or its
    config.json is missing, or if any weight is missing, left over or of another shape: both
    libraries only warn of that, and fill in random weights.
    """
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        raise UserError(
            f"{folder / 'config.json'} is missing: {folder} is no {kind.__name__} folder; "
            "delete it to have it made again"
        )
    try:
        model, report = kind.from_pretrained(
            str(folder), local_files_only=True, output_loading_info=True
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(f"{folder} does not load as {kind.__name__}: {error}") from error
    faults = [f"{kind}: {sorted(map(str, keys))[:3]}" for kind, keys in report.items() if keys]
    if faults:
        raise UserError(
            f"the weights in {folder} do not fit its config.json ({'; '.join(faults)}); "
            "delete the folder to have it made again"
        )
    return model.to(device()).eval().requires_grad_(False)


def save_pretrained(model: torch.nn.Module, folder: Path) -> None:
    """Write a model of transformers to `folder`, without its progress bar."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    model.save_pretrained(str(folder))


def fan_in_weights(model: torch.nn.Module) -> None:
    """Draw the weights of all linear and convolutional layers anew, as torch does by default.

    The classes of transformers start at a small fixed deviation meant for wide layers; from there
    a small model hardly moves in the first hundreds of steps.
    """
    kinds = (torch.nn.Linear, torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.ConvTranspose1d)
    for module in model.modules():
        if isinstance(module, kinds):
            torch.nn.init.kaiming_uniform_(module.weight, a=5**0.5)
