"""Random draws that depend on names, not on order: same seed, same bytes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def derive(seed: int, *names: object) -> int:
    """A 63-bit seed for the draw that `names` name, below the study's `seed`."""
    text = "\x1f".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def clip_generator(seed: int, clip_id: str, candidate: int) -> torch.Generator:
    """The noise source of one candidate of one clip, whatever batch it is sampled in."""
    import torch

    return torch.Generator().manual_seed(derive(seed, "sample", clip_id, candidate))
