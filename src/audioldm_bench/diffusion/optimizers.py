"""The optimizer of the diffusion model."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ..errors import UserError

OPTIMIZERS = ("adamw", "adamw_8bit")


def make_optimizer(unet: torch.nn.Module, training: Mapping) -> torch.optim.Optimizer:
    """AdamW over the weights that learn, in one kernel; 8 bytes of state a weight [code].

    `adamw_8bit` is bitsandbytes', with 2 bytes a weight (Dettmers et al. 2022, arXiv 2110.02861).
    """
    learning = [parameter for parameter in unet.parameters() if parameter.requires_grad]
    given = {"lr": training["learning_rate"], "weight_decay": training["weight_decay"]}
    if training["optimizer"] == "adamw":
        return torch.optim.AdamW(learning, **given, fused=True)
    if training["optimizer"] != "adamw_8bit":
        known = ", ".join(OPTIMIZERS)
        raise UserError(f"training.optimizer: {training['optimizer']!r} must be one of {known}")
    try:  # not a dependency: diffusers would load it into every job
        from bitsandbytes.optim import AdamW8bit
    except ImportError:
        raise UserError(
            "training.optimizer: adamw_8bit needs bitsandbytes, which is not installed:"
            " pip install 'audioldm-bench[8bit]', or set it to adamw"
        ) from None
    return AdamW8bit(learning, **given)
