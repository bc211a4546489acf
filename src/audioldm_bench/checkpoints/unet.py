"""The UNet of AudioLDM: architecture from the shapes, names as in diffusers.

Facts: audioldm/latent_diffusion/openaimodel.py and ema.py [code]. Heads: channels //
num_head_channels, which is 32 in S and M, 64 in L (audioldm/utils.py [code]).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch

from ..errors import UserError
from .reader import listing
from .weights import Source, Weights, fill, rename

if TYPE_CHECKING:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

SIZES = {128: ("S", 32), 192: ("M", 32), 256: ("L", 64)}  # model channels: name, channels a head
GROUPS = 32  # of every group normalisation [code]
_OUTER = {
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "film_emb": "class_embedding",
    "input_blocks.0.0": "conv_in",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
}
_RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
_MIDDLE = {"0": "mid_block.resnets.0", "1": "mid_block.attentions.0", "2": "mid_block.resnets.1"}


def ema_weights(raw: Weights, ema: Weights) -> Weights:
    """The averaged weights by the names of the raw ones; the file keeps them without dots.

    UserError if the file has no averaged weights, or not one for each raw one.
    """
    flat = {("diffusion_model." + key).replace(".", ""): key for key in raw}
    if not ema:
        raise UserError(
            "it holds no EMA weights (model_ema.*), from which the original code samples; "
            "take the checkpoint as it was published"
        )
    if len(flat) != len(raw):
        raise UserError("two of its UNet keys have one name without dots: the averages are mixed")
    lacking = [
        f"{raw.prefix}{key} ({ema.prefix}{name})" for name, key in flat.items() if name not in ema
    ]
    left = [ema.prefix + name for name in ema if name not in flat]
    if lacking:
        raise UserError(f"{len(lacking)} UNet keys without an average: {listing(lacking)}")
    if left:
        raise UserError(f"{len(left)} unknown keys: {listing(left)}")
    return Weights({key: ema[name] for name, key in flat.items()}, raw.prefix)


def size_of(channels: int, head_channels: int | None) -> tuple[str, int]:
    """Name of the size and channels a head of a UNet with `channels` at its first level."""
    if head_channels is not None:
        return SIZES.get(channels, (f"{channels} channels", 0))[0], head_channels
    if channels not in SIZES:
        raise UserError(
            f"the UNet has {channels} channels at its first level, the published sizes have "
            f"{', '.join(map(str, SIZES))}: pass head_channels, which no shape tells "
            "(in the config: `head_channels` of the checkpoint's entry)"
        )
    return SIZES[channels]


def _levels(weights: Weights) -> list[list[int]]:
    """Numbers of the input blocks that are residual, level by level."""
    levels: list[list[int]] = [[]]
    number = 1
    while True:
        if f"input_blocks.{number}.0.op.weight" in weights:
            levels.append([])
        elif f"input_blocks.{number}.0.in_layers.2.weight" in weights:
            levels[-1].append(number)
        else:
            break
        number += 1
    if not levels[0] or len({len(level) for level in levels}) != 1:
        raise UserError(f"the UNet has levels of {[len(v) for v in levels]} residual blocks")
    return levels


def unet_config(weights: Weights, head_channels: int | None = None) -> dict:
    """Arguments of diffusers' UNet2DConditionModel, read from the shapes."""
    _, head_channels = size_of(weights.width("input_blocks.0.0.weight"), head_channels)
    levels = _levels(weights)
    widths = [weights.width(f"input_blocks.{v[-1]}.0.out_layers.3.weight") for v in levels]
    if any(width % head_channels or width % GROUPS for width in widths):
        raise UserError(f"the UNet's widths {widths} are no multiples of {head_channels}, {GROUPS}")
    attends = [f"input_blocks.{v[0]}.1.proj_in.weight" in weights for v in levels]
    embedding = weights.width("time_embed.2.weight")
    entering = weights.width(f"input_blocks.{levels[0][0]}.0.emb_layers.1.weight", 1)
    return {
        "sample_size": 128,  # as in the published folders; the model takes any size
        "in_channels": weights.width("input_blocks.0.0.weight", 1),
        "out_channels": weights.width("out.2.weight"),
        "down_block_types": [("CrossAttn" if a else "") + "DownBlock2D" for a in attends],
        "up_block_types": [("CrossAttn" if a else "") + "UpBlock2D" for a in attends[::-1]],
        "block_out_channels": widths,
        "layers_per_block": len(levels[0]),
        "cross_attention_dim": widths,
        "attention_head_dim": [width // head_channels for width in widths],  # heads, by misnomer
        "class_embed_type": "simple_projection",
        "projection_class_embeddings_input_dim": weights.width("film_emb.weight", 1),
        "class_embeddings_concat": entering == 2 * embedding,
        "norm_num_groups": GROUPS,
    }


def translate(key: str, layers: int) -> str | None:
    """The diffusers name of an original one, with `layers` residual blocks a level."""
    stem, _, leaf = key.rpartition(".")
    if stem in _OUTER:
        return f"{_OUTER[stem]}.{leaf}"
    if match := re.fullmatch(r"middle_block\.([012])\.(.+)", stem):
        return _inside(_MIDDLE[match[1]], match[2], leaf)
    match = re.fullmatch(r"(input|output)_blocks\.(\d+)\.([012])\.(.+)", stem)
    if match is None:
        return None
    down = match[1] == "input"
    block, layer = divmod(int(match[2]) - down, layers + 1)  # input block 0 is conv_in
    place = f"{'down' if down else 'up'}_blocks.{block}"
    if match[4] in ("op", "conv"):
        return f"{place}.{'downsamplers' if down else 'upsamplers'}.0.conv.{leaf}"
    kind = "resnets" if match[3] == "0" else "attentions"
    return _inside(f"{place}.{kind}.{layer}", match[4], leaf)


def _inside(place: str, inner: str, leaf: str) -> str | None:
    """Attention blocks have the same inner names in both, residual ones their own."""
    if "attentions" not in place:
        inner = _RESNET.get(inner, "")
    return f"{place}.{inner}.{leaf}" if inner else None


def convert_unet(weights: Weights, head_channels: int | None = None) -> UNet2DConditionModel:
    """The UNet with these weights. UserError on unknown, missing or misshapen keys."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    config = unet_config(weights, head_channels)
    converted: dict[str, Source] = rename(
        weights, lambda key: translate(key, config["layers_per_block"])
    )
    with torch.device("meta"):
        model = UNet2DConditionModel(**config)
    return fill(model, converted, "UNet")
