"""Files that hold the state of a training: what is in them, and what an error in reading means."""

from __future__ import annotations

import errno
import pickle
import zipfile
from pathlib import Path

import torch


def read_state(path: Path) -> dict:
    """What is in a state, on the CPU. Any error where it is torn or a byte of it changed."""
    with zipfile.ZipFile(path) as file:  # torch.load does not look at its checksums
        if (bad := file.testzip()) is not None:
            raise ValueError(f"the checksum of {bad} is wrong")
    return torch.load(path, weights_only=True, map_location="cpu")


def is_damage(error: Exception) -> bool:
    """False of an error of `read_state` that another try may not meet: of the disk, of memory, of
    another torch (its checksums were right by then)."""
    if isinstance(error, OSError):
        return error.errno == errno.EINVAL  # zipfile's, of a torn file
    elsewhere = isinstance(error, (MemoryError, pickle.UnpicklingError))
    return not elsewhere and "allocate memory" not in str(error)


def in_a_line(error: Exception) -> str:
    """Kind and first line of an error, for a sentence that quotes it."""
    return f"{type(error).__name__}: {error}".splitlines()[0]
