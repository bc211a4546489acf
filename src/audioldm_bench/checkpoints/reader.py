"""Files of weights are read here: tensors only, no code of a file runs."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import torch

from ..errors import UserError


class Inert:
    """Stands for an object that is no tensor: the bookkeeping of training, of no use here."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __new__(cls, *args: object, **kwargs: object) -> Inert:
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        pass


def _foreign(path: Path) -> list[str]:
    """Names of the classes and functions that the file asks for beyond torch's safe ones."""
    if not zipfile.is_zipfile(path):
        return []  # torch's format before 1.6: weights_only=True alone decides
    return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(str(path)))


def _load(path: Path) -> object:
    """What a torch checkpoint holds, on the CPU.

    Memory-mapped where the format allows, so that memory stays flat for files of gigabytes.
    Objects that are no tensors are replaced by inert ones instead of being built.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist")
    try:
        with torch.serialization.safe_globals([(Inert, name) for name in _foreign(path)]):
            return torch.load(
                path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
            )
    except (pickle.UnpicklingError, RuntimeError, ValueError, EOFError, KeyError) as error:
        raise UserError(
            f"{path} cannot be read as a torch checkpoint ({_first_line(error)}); if a download "
            "stopped early, delete it and start again"
        ) from error


def _tensors(path: Path, state: object, where: str) -> dict[str, torch.Tensor]:
    """`state` if it is a dict of tensors by name, else UserError."""
    if not isinstance(state, dict) or not state:
        raise UserError(f"{path} holds no weights{where}")
    strange = [str(key) for key, value in state.items() if not isinstance(value, torch.Tensor)]
    if strange:
        raise UserError(
            f"{path}:{where or ' among its weights'} are no tensors: {listing(strange)}"
        )
    return state


def read_state_dict(path: Path) -> dict[str, torch.Tensor]:
    """The tensors under "state_dict" of a torch checkpoint, on the CPU.

    UserError if the file is missing, is no torch checkpoint, or has no dict of tensors there.
    """
    path = Path(path)
    content = _load(path)
    state = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(state, dict) or not state:
        raise UserError(f'{path} is not an AudioLDM checkpoint: it has no "state_dict"')
    return _tensors(path, state, ' under "state_dict"')


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a .safetensors file or of a torch pickle of tensors by name, on the CPU.

    A pickle may hold them under "state_dict". UserError if it is missing or holds anything else.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        content = _load(path)
        nested = isinstance(content, dict) and "state_dict" in content
        return _tensors(path, content["state_dict"] if nested else content, "")
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return _tensors(path, load_file(path), "")
    except FileNotFoundError:
        raise UserError(f"{path} does not exist") from None
    except SafetensorError as error:
        raise UserError(
            f"{path} cannot be read as safetensors ({_first_line(error)}); if a download stopped "
            "early, delete it and start again"
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def listing(keys: list[str], most: int = 8) -> str:
    """Sorted names for a message, at most `most` of them and the number of the others."""
    keys = sorted(keys)
    rest = f" and {len(keys) - most} more" if len(keys) > most else ""
    return ", ".join(keys[:most]) + rest
