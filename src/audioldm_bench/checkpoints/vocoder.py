"""The vocoder of AudioLDM, HiFi-GAN: widths from the shapes, names as in transformers.

Facts: audioldm/hifigan/models.py and utilities.py [code]. Strides and dilations leave no trace in
the shapes, so only vocoders with the published kernels are taken.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch

from ..errors import UserError
from .weights import Source, Weights, fill, rename

if TYPE_CHECKING:
    from transformers import SpeechT5HifiGan

SAMPLING_RATE = 16000
UPSAMPLE_KERNELS = [16, 16, 8, 4, 4]
UPSAMPLE_RATES = [5, 4, 2, 2, 2]  # product 160: the hop of the spectrogram
RESBLOCK_KERNELS = [3, 7, 11]
RESBLOCK_DILATIONS = [[1, 3, 5]] * 3


def vocoder_config(weights: Weights) -> dict:
    """Arguments of transformers' SpeechT5HifiGanConfig. UserError if the kernels are others."""
    ups, blocks = weights.count("ups.{}.weight"), weights.count("resblocks.{}.convs1.0.weight")
    kernels = [weights.width(f"ups.{i}.weight", 2) for i in range(ups)]
    resblocks = [weights.width(f"resblocks.{i}.convs1.0.weight", 2) for i in range(blocks)]
    if kernels != UPSAMPLE_KERNELS or resblocks != RESBLOCK_KERNELS * ups:
        raise UserError(
            f"the vocoder has kernels {kernels} and {resblocks}, the published one has "
            f"{UPSAMPLE_KERNELS} and {len(UPSAMPLE_KERNELS)} times {RESBLOCK_KERNELS}"
        )
    return {
        "model_in_dim": weights.width("conv_pre.weight", 1),
        "sampling_rate": SAMPLING_RATE,
        "upsample_initial_channel": weights.width("conv_pre.weight"),
        "upsample_rates": UPSAMPLE_RATES,
        "upsample_kernel_sizes": UPSAMPLE_KERNELS,
        "resblock_kernel_sizes": RESBLOCK_KERNELS,
        "resblock_dilation_sizes": RESBLOCK_DILATIONS,
        "normalize_before": False,
    }


def translate(key: str) -> str | None:
    """The transformers name of an original one."""
    if re.fullmatch(r"(conv_pre|conv_post|resblocks\.\d+\.convs[12]\.\d+)\.(weight|bias)", key):
        return key
    if match := re.fullmatch(r"ups\.(\d+\.(?:weight|bias))", key):
        return f"upsampler.{match[1]}"
    return None


def convert_vocoder(weights: Weights) -> SpeechT5HifiGan:
    """The vocoder with these weights. UserError on unknown, missing or misshapen keys."""
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

    config = SpeechT5HifiGanConfig(**vocoder_config(weights))
    converted = rename(weights, translate)
    # The original does not normalise its input; transformers keeps the numbers for it all the same.
    bins = config.model_in_dim
    converted["mean"] = Source("(mean)", torch.zeros(bins))
    converted["scale"] = Source("(scale)", torch.ones(bins))
    with torch.device("meta"):
        model = SpeechT5HifiGan(config)
    return fill(model, converted, "vocoder")
