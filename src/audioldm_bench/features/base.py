"""What every backbone of the metrics looks like from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypedDict, runtime_checkable

if TYPE_CHECKING:
    import torch


class Features(TypedDict, total=False):
    """What a backbone says of a batch of B clips, as float32 tensors on the CPU.

    `embedding` is (B, D), one vector a clip, or a list of B tensors (n_i, D),
    one row an example (VGGish: 0.96 s each). `logits` (B, K) is there if the
    backbone classifies; it is what comes before any softmax or sigmoid.
    """

    embedding: torch.Tensor | list[torch.Tensor]
    logits: torch.Tensor


@runtime_checkable
class Backbone(Protocol):
    """A frozen network that turns clips into features.

    It is in evaluation mode, and what it says of a clip does not depend on the
    other clips of the batch beyond float rounding.
    """

    name: str  # the registry's name; metric names carry it
    sample_rate: int  # Hz
    examples: bool  # True: `embedding` is a list of (n, D), False: (B, D)
    classifies: bool  # True: `logits` is there

    def embed(self, waveforms: torch.Tensor) -> Features:
        """Features of (B, T) float32 waveforms at `sample_rate`; needs no gradient."""
        ...
