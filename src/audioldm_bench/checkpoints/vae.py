"""The VAE of AudioLDM: architecture from the shapes, names as in diffusers.

Facts: audioldm/variational_autoencoder/modules.py and autoencoder.py [code].
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch

from ..errors import UserError
from .weights import Source, Weights, fill, rename

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

_ATTENTION = {"norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}


def vae_config(weights: Weights, scaling_factor: float) -> dict:
    """Arguments of diffusers' AutoencoderKL, read from the shapes."""
    levels = weights.count("encoder.down.{}.block.0.conv1.weight")
    layers = weights.count("encoder.down.0.block.{}.conv1.weight")
    if not levels:
        raise UserError(f"{weights.prefix}encoder.down.* has no residual blocks")
    widths = [
        weights.width(f"encoder.down.{level}.block.{layers - 1}.conv2.weight")
        for level in range(levels)
    ]
    return {
        "sample_size": 512,  # as in the published folders; the model takes any size
        "in_channels": weights.width("encoder.conv_in.weight", 1),
        "out_channels": weights.width("decoder.conv_out.weight"),
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "block_out_channels": widths,
        "latent_channels": weights.width("post_quant_conv.weight"),
        "layers_per_block": layers,
        "norm_num_groups": 32,
        "scaling_factor": scaling_factor,
    }


def translate(key: str, levels: int) -> str | None:
    """The diffusers name of an original one, in a VAE of `levels` resolutions."""
    stem, _, leaf = key.rpartition(".")
    if stem in ("quant_conv", "post_quant_conv"):
        return key
    match = re.fullmatch(r"(encoder|decoder)\.(.+)", stem)
    inner = _inner(match[2], levels) if match else None
    return f"{match[1]}.{inner}.{leaf}" if inner else None


def _inner(name: str, levels: int) -> str | None:
    """The same, within encoder or decoder."""
    if name in ("conv_in", "conv_out"):
        return name
    if name == "norm_out":
        return "conv_norm_out"
    if match := re.fullmatch(r"mid\.attn_1\.(\w+)", name):
        part = _ATTENTION.get(match[1])
        return f"mid_block.attentions.0.{part}" if part else None
    if match := re.fullmatch(r"mid\.block_([12])\.(\w+)", name):
        return f"mid_block.resnets.{int(match[1]) - 1}.{_resnet(match[2])}"
    match = re.fullmatch(r"(down|up)\.(\d+)\.(.+)", name)
    if match is None:
        return None
    # The original counts the decoder's levels from the finest, diffusers in order of use.
    level = int(match[2]) if match[1] == "down" else levels - 1 - int(match[2])
    if match[3] == f"{match[1]}sample.conv":
        return f"{match[1]}_blocks.{level}.{match[1]}samplers.0.conv"
    if block := re.fullmatch(r"block\.(\d+)\.(\w+)", match[3]):
        return f"{match[1]}_blocks.{level}.resnets.{block[1]}.{_resnet(block[2])}"
    return None


def _resnet(name: str) -> str:
    return "conv_shortcut" if name == "nin_shortcut" else name


def _flat(name: str, source: Source) -> Source:
    """Attention weights are 1 x 1 convolutions in the original, linear layers in diffusers."""
    tensor = source.tensor
    if ".attentions." in name and tensor.dim() == 4 and tensor.shape[2:] == (1, 1):
        return Source(source.key, tensor[:, :, 0, 0])
    return source


def convert_vae(weights: Weights, scaling_factor: float) -> AutoencoderKL:
    """The VAE with these weights and the latents' scale in its config.

    UserError on unknown, missing or misshapen keys.
    """
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    config = vae_config(weights, scaling_factor)
    levels = len(config["block_out_channels"])
    converted = rename(weights, lambda key: translate(key, levels))
    with torch.device("meta"):
        model = AutoencoderKL(**config)
    return fill(model, {name: _flat(name, s) for name, s in converted.items()}, "VAE")
