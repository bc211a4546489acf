"""The number format of a training step: weights, optimizer and EMA are single precision always."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from ..errors import UserError

# of convolutions and products under autocast; None: as the weights are
PRECISIONS = {"fp32": None, "tf32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
LEAST_SCALE = 1.0  # gradients that overflow with less are not overflowing, they are wrong


def check_precision(precision: str) -> None:
    """UserError on a precision there is not."""
    if precision not in PRECISIONS:
        known = ", ".join(PRECISIONS)
        raise UserError(f"training.precision: {precision!r} must be one of {known}")


@contextlib.contextmanager
def matrix_format(precision: str) -> Iterator[None]:
    """tf32: convolutions and products of fp32 numbers round them to 10 bits of mantissa first, on
    the GPUs that can (Ampere and later); elsewhere, and in the other precisions, they do not."""
    switches = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [switch.allow_tf32 for switch in switches]
    for switch in switches:
        switch.allow_tf32 = precision == "tf32"
    try:
        yield
    finally:
        for switch, state in zip(switches, before, strict=True):
            switch.allow_tf32 = state


def autocast(precision: str, where: torch.device) -> torch.autocast:
    """Mixed precision on a device; does nothing in fp32."""
    kind = PRECISIONS[precision]
    return torch.autocast(where.type, kind or torch.bfloat16, enabled=kind is not None)


def make_scaler(precision: str, where: torch.device) -> torch.amp.GradScaler:
    """The loss's scale for fp16, whose small gradients would be 0; of no effect in the others."""
    return torch.amp.GradScaler(where.type, enabled=precision == "fp16")


def lower_scale(scaler: torch.amp.GradScaler) -> bool:
    """Halves the scale after gradients overflowed; False where a smaller one would not help."""
    if not scaler.is_enabled() or scaler.get_scale() <= LEAST_SCALE:
        return False
    scaler.update(scaler.get_scale() * scaler.get_backoff_factor())
    return True
