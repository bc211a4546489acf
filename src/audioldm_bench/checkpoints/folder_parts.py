"""The components of a diffusers AudioLDM folder, checked against what the original model is.

Facts: diffusers' scripts/convert_original_audioldm_to_diffusers.py, which made the published
folders. It leaves the number of attention heads at the class default.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ..errors import UserError
from ..files import file_sha256
from ..hub import WEIGHTS
from .clap_sources import TEXT_ANYWHERE, to_original
from .folders import check_config, check_some, read_config, weights_file
from .reader import read_tensors
from .unet import GROUPS, size_of
from .vocoder import convert_vocoder
from .vocoder import vocoder_config as published_vocoder
from .weights import Source, Weights, fill

if TYPE_CHECKING:
    from transformers import SpeechT5HifiGan

CLASS_DEFAULT_HEADS = 8  # of UNet2DConditionModel
DEFAULT_SCALE = 0.18215  # of AutoencoderKL: Stable Diffusion's
TEXT_EPS, CLASS_DEFAULT_EPS = 1e-5, 1e-12  # RoBERTa's layer norm; that of ClapTextConfig
_UNET_FROM_SHAPES = (  # strict loading compares them with the weights
    "in_channels",
    "out_channels",
    "down_block_types",
    "up_block_types",
    "block_out_channels",
    "layers_per_block",
    "cross_attention_dim",
    "class_embed_type",
    "projection_class_embeddings_input_dim",
    "class_embeddings_concat",
)
_VAE_FROM_SHAPES = (
    "in_channels",
    "out_channels",
    "down_block_types",
    "up_block_types",
    "block_out_channels",
    "latent_channels",
    "layers_per_block",
)
_OLD_ATTENTION = {  # names that diffusers gave until 0.17
    "query": "to_q",
    "key": "to_k",
    "value": "to_v",
    "proj_attn": "to_out.0",
}


@dataclass
class Found:
    """What an import saw on its way, for source.json."""

    files: dict[str, str] = field(default_factory=dict)  # name in the folder: sha256
    used: dict[str, int] = field(default_factory=dict)
    unused: Counter[str] = field(default_factory=Counter)
    corrections: list[dict] = field(default_factory=list)
    clap: dict = field(default_factory=dict)  # where the audio tower is from

    def correct(self, file: str, key: str, found: object, used: object, why: str) -> None:
        """A value of the folder is not taken: say so, and keep it on record."""
        print(f"[import] {file}: {key} {found} corrected to {used}: {why}", file=sys.stderr)
        self.corrections.append(
            {"file": file, "key": key, "found": found, "used": used, "why": why}
        )


def read_component(folder: Path, name: str, found: Found) -> tuple[dict, dict[str, torch.Tensor]]:
    """(config, weights) of one component folder; safetensors go before a pickle."""
    config = read_config(folder / name / "config.json")
    file = weights_file(folder / name, WEIGHTS[name])
    print(f"[import] {name}: {file.name}", file=sys.stderr)
    found.files[f"{name}/{file.name}"] = file_sha256(file)
    return config, read_tensors(file)


def head_counts(config: dict, head_channels: int | None, file: str, found: Found) -> list[int]:
    """Attention heads a level: channels / head channels [code].

    The class default, which the conversion script leaves, is corrected. UserError for another.
    """
    widths = config["block_out_channels"]
    wanted = [width // size_of(widths[0], head_channels)[1] for width in widths]
    key = "num_attention_heads" if config.get("num_attention_heads") else "attention_head_dim"
    told = config.get(key, CLASS_DEFAULT_HEADS)
    counts = list(told) if isinstance(told, (list, tuple)) else [told] * len(widths)
    if counts == [CLASS_DEFAULT_HEADS] * len(widths) != wanted:
        why = "the original has channels / head channels; the folder has the library's default"
        found.correct(file, key, told, wanted, why)
    elif counts != wanted:
        raise UserError(
            f"{file}: {key} is {told}, neither AudioLDM's {wanted} nor the default "
            f"{CLASS_DEFAULT_HEADS} that is corrected: these weights were trained otherwise"
        )
    return wanted


def _sizes(config: dict, keys: tuple[str, ...], file: str) -> dict:
    """Those of the config's values that show in the shapes. UserError if one is missing."""
    lacking = [key for key in keys if key not in config]
    if lacking:
        raise UserError(f"{file} lacks {', '.join(lacking)}")
    return {key: config[key] for key in keys}


def read_unet(folder: Path, head_channels: int | None, found: Found) -> torch.nn.Module:
    """The UNet of the folder with the original's heads."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    config, state = read_component(folder, "unet", found)
    file = "unet/config.json"
    wanted = _sizes(config, _UNET_FROM_SHAPES, file)
    wanted["attention_head_dim"] = head_counts(config, head_channels, file, found)
    with torch.device("meta"):
        model = UNet2DConditionModel(sample_size=128, norm_num_groups=GROUPS, **wanted)
    ignored = ("sample_size", "attention_head_dim", "num_attention_heads")
    check_config(file, config, dict(model.config), ignored)
    found.used["unet"] = len(state)
    return fill(model, {key: Source(key, tensor) for key, tensor in state.items()}, "UNet")


def _scale(config: dict, file: str) -> float:
    """The VAE's scaling factor. UserError if it is missing, no number, or the library's default."""
    value = config.get("scaling_factor")
    if not isinstance(value, (int, float)) or not (math.isfinite(value) and value > 0):
        raise UserError(f"{file}: scaling_factor is {value}, not a positive number")
    if value == DEFAULT_SCALE:
        raise UserError(
            f"{file}: scaling_factor is {value}, the library's default; AudioLDM's was measured in "
            "its training and is in the checkpoint"
        )
    return float(value)


def _new_name(key: str) -> str:
    """Today's name of a weight of the VAE; folders of 2023 have the attention's older ones."""
    parts = key.split(".")
    if "attentions" in parts and len(parts) > 1:
        parts[-2] = _OLD_ATTENTION.get(parts[-2], parts[-2])
    return ".".join(parts)


def read_vae(folder: Path, found: Found) -> torch.nn.Module:
    """The VAE of the folder, its scale factor in its config."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    config, state = read_component(folder, "vae", found)
    file = "vae/config.json"
    sizes = _sizes(config, _VAE_FROM_SHAPES, file)
    with torch.device("meta"):
        model = AutoencoderKL(
            sample_size=512,
            norm_num_groups=GROUPS,
            scaling_factor=_scale(config, file),
            **sizes,
        )
    check_config(file, config, dict(model.config), ignored=("sample_size", "force_upcast"))
    found.used["vae"] = len(state)
    converted = {_new_name(key): Source(key, tensor) for key, tensor in state.items()}
    return fill(model, converted, "VAE")


def read_vocoder(folder: Path, found: Found) -> SpeechT5HifiGan:
    """The vocoder of the folder, by way of the original names."""
    from transformers import SpeechT5HifiGanConfig

    config, state = read_component(folder, "vocoder", found)
    constants = {"mean": 0.0, "scale": 1.0}
    for key, value in constants.items():
        if key in state and not torch.all(state[key] == value):
            raise UserError(f"the vocoder's {key} is not {value}: it would normalise its input")
    found.unused["constants, computed anew"] += sum(key in state for key in constants)
    state = {key: tensor for key, tensor in state.items() if key not in constants}
    names = {key.replace("upsampler.", "ups."): key for key in state}
    weights = Weights({old: state[key] for old, key in names.items()}, "", names)
    wanted = SpeechT5HifiGanConfig(**published_vocoder(weights))
    told = SpeechT5HifiGanConfig().to_dict() | config
    keys = [*published_vocoder(weights), "leaky_relu_slope"]
    check_some("vocoder/config.json", told, {key: getattr(wanted, key) for key in keys})
    found.used["vocoder"] = len(state)
    return convert_vocoder(weights)


def read_text_tower(folder: Path, found: Found) -> Weights:
    """The text tower of the folder by its original names."""
    from transformers import ClapTextConfig

    config, state = read_component(folder, "text_encoder", found)
    file = "text_encoder/config.json"
    told = ClapTextConfig().to_dict() | config
    check_some(file, told, TEXT_ANYWHERE)
    if told["layer_norm_eps"] == CLASS_DEFAULT_EPS:
        why = "RoBERTa's; the folder has the class default"
        found.correct(file, "layer_norm_eps", CLASS_DEFAULT_EPS, TEXT_EPS, why)
    elif told["layer_norm_eps"] != TEXT_EPS:
        raise UserError(f"{file}: layer_norm_eps is {told['layer_norm_eps']}, not {TEXT_EPS}")
    weights, constants = to_original(state)
    if strange := [weights.origin(key) for key in weights if not key.startswith("text_")]:
        raise UserError(f"text_encoder holds more than a text tower: {strange[0]}")
    found.used["text tower"] = len(weights)
    found.unused["constants, computed anew"] += constants
    return weights
