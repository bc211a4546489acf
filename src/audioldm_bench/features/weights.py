"""Reading published weights, and naming them by their bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from audioldm_bench.errors import UserError
from audioldm_bench.files import file_sha256, folder_sha256

# Cnn14's file holds, beside the weights, the state of its data sampler: numpy arrays of integers.
_rebuild_array = np.empty(0).__reduce__()[0]
_NUMPY = [
    (_rebuild_array, "numpy.core.multiarray._reconstruct"),  # as numpy 1 names it
    (_rebuild_array, "numpy._core.multiarray._reconstruct"),
    np.ndarray,
    np.dtype,
    type(np.dtype("int64")),
]


def weights_sha256(path: Path) -> str:
    """Of a weights file, or of all files of a model folder."""
    return folder_sha256(path) if Path(path).is_dir() else file_sha256(path)


def load_published(network: torch.nn.Module, path: Path, *, inside: str | None = None) -> None:
    """Loads a pickled state dict strictly, without running any code that is pickled in it.

    `inside` names the key that holds the state dict, where the file has more. UserError if the
    file is not such weights.
    """
    try:
        with torch.serialization.safe_globals(_NUMPY):
            state = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(state[inside] if inside and inside in state else state, strict=True)
    except Exception as error:  # torch raises many kinds; to the user all are one
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise UserError(
            f"{path}: not the weights of {type(network).__name__} ({first_line}); "
            "delete the file and download it again"
        ) from error
