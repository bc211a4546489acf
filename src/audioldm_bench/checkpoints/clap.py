"""The CLAP inside an AudioLDM checkpoint: both towers, names as in transformers.

Facts: audioldm/clap/open_clip/model.py and htsat.py [code]. HTSAT-tiny (S, L) and -base (M) are
told apart by their shapes.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import torch

from ..errors import UserError
from .weights import Source, Weights, fill, rename

if TYPE_CHECKING:
    from transformers import ClapModel

SPECTROGRAM_SIZE = 256  # side of the square into which HTSAT folds a spectrogram
TEXT_HEAD_WIDTH = 64  # RoBERTa: 12 heads of 64
_AUDIO = "audio_model.audio_encoder."
_BLOCK = r"layers\.(\d+)\.blocks\.(\d+)\."
_RULES = [  # original name: transformers name
    (r"text_branch\.(.+)", r"text_model.\1"),
    (r"(text|audio)_projection\.0\.(\w+)", r"\1_projection.linear1.\2"),
    (r"(text|audio)_projection\.2\.(\w+)", r"\1_projection.linear2.\2"),
    (r"(logit_scale_[at])", r"\1"),
    (r"audio_branch\.bn0\.(\w+)", _AUDIO + r"batch_norm.\1"),
    (r"audio_branch\.norm\.(\w+)", _AUDIO + r"norm.\1"),
    (r"audio_branch\.patch_embed\.(proj|norm)\.(\w+)", _AUDIO + r"patch_embed.\1.\2"),
    (
        r"audio_branch\.layers\.(\d+)\.downsample\.(reduction|norm)\.(\w+)",
        _AUDIO + r"layers.\1.downsample.\2.\3",
    ),
    *(
        (rf"audio_branch\.{_BLOCK}{old}(\w+)", rf"{_AUDIO}layers.\1.blocks.\2.{new}\3")
        for old, new in (
            (r"norm1\.", "layernorm_before."),
            (r"norm2\.", "layernorm_after."),
            (r"mlp\.fc1\.", "intermediate.dense."),
            (r"mlp\.fc2\.", "output.dense."),
            (r"attn\.proj\.", "attention.output.dense."),
            (r"attn\.qkv\.", "attention.self.qkv."),
            (r"attn\.relative_position_", "attention.self.relative_position_"),
        )
    ),
]


def text_config(weights: Weights) -> dict:
    """Arguments of transformers' ClapTextConfig: RoBERTa, sizes read from the shapes."""
    vocabulary, hidden = weights["text_branch.embeddings.word_embeddings.weight"].shape
    if hidden % TEXT_HEAD_WIDTH:
        raise UserError(f"the text tower is {hidden} wide, no multiple of {TEXT_HEAD_WIDTH}")
    return {
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        "num_hidden_layers": weights.count(
            "text_branch.encoder.layer.{}.attention.self.query.weight"
        ),
        "num_attention_heads": hidden // TEXT_HEAD_WIDTH,
        "intermediate_size": weights.width("text_branch.encoder.layer.0.intermediate.dense.weight"),
        "max_position_embeddings": weights.width(
            "text_branch.embeddings.position_embeddings.weight"
        ),
        "type_vocab_size": weights.width("text_branch.embeddings.token_type_embeddings.weight"),
        "layer_norm_eps": 1e-5,  # RoBERTa's; the class default is another
        "projection_dim": weights.width("text_projection.2.weight"),
        "projection_hidden_act": "relu",
        "pad_token_id": 1,
        "bos_token_id": 0,
        "eos_token_id": 2,
    }


def audio_config(weights: Weights) -> dict:
    """Arguments of transformers' ClapAudioConfig: HTSAT, sizes read from the shapes."""
    layers = weights.count("audio_branch.layers.{}.blocks.0.attn.qkv.weight")
    block = "audio_branch.layers.{}.blocks.0."
    bias = block + "attn.relative_position_bias_table"
    patch = "audio_branch.patch_embed.proj.weight"
    width, side = weights.width(patch), weights.width(patch, 2)
    return {
        "spec_size": SPECTROGRAM_SIZE,
        "num_mel_bins": weights.width("audio_branch.bn0.weight"),
        "window_size": (math.isqrt(weights.width(bias.format(0))) + 1) // 2,
        "patch_size": side,
        "patch_stride": [side, side],
        "patch_embed_input_channels": weights.width(patch, 1),
        "patch_embeds_hidden_size": width,
        "depths": [
            weights.count(f"audio_branch.layers.{layer}.blocks.{{}}.attn.qkv.weight")
            for layer in range(layers)
        ],
        "num_hidden_layers": layers,
        "num_attention_heads": [weights.width(bias.format(i), 1) for i in range(layers)],
        "hidden_size": weights.width("audio_branch.norm.weight"),
        "mlp_ratio": weights.width(block.format(0) + "mlp.fc1.weight") / width,
        "projection_dim": weights.width("audio_projection.2.weight"),
        "projection_hidden_act": "relu",
        "enable_fusion": False,
    }


def translate(key: str) -> str | None:
    """The transformers name of an original one; qkv stays whole."""
    for pattern, new in _RULES:
        if match := re.fullmatch(pattern, key):
            return match.expand(new)
    return None


def _split(converted: dict[str, Source]) -> dict[str, Source]:
    """The audio tower's qkv in thirds."""
    result: dict[str, Source] = {}
    for name, source in converted.items():
        if ".attention.self.qkv." not in name:
            result[name] = source
            continue
        if source.tensor.shape[0] % 3:
            raise UserError(f"{source.key} has the shape {tuple(source.tensor.shape)}: no thirds")
        for part, third in zip(("query", "key", "value"), source.tensor.chunk(3), strict=True):
            # A copy: three names on one storage cannot be saved.
            result[name.replace("qkv", part)] = Source(source.key, third.clone())
    return result


def convert_clap(weights: Weights) -> ClapModel:
    """CLAP with these weights. UserError on unknown, missing or misshapen keys."""
    from transformers import ClapConfig, ClapModel

    text = text_config(weights)
    config = ClapConfig(
        text_config=text,
        audio_config=audio_config(weights),
        projection_dim=text["projection_dim"],
        projection_hidden_act="relu",
    )
    converted = _split(rename(weights, translate))
    positions = torch.arange(text["max_position_embeddings"])[None]
    # Constants that transformers saves with the weights and the original does not.
    embeddings = "text_model.embeddings."
    converted[embeddings + "position_ids"] = Source("(position_ids)", positions)
    converted[embeddings + "token_type_ids"] = Source("(token_types)", torch.zeros_like(positions))
    with torch.device("meta"):
        model = ClapModel(config)
    return fill(model, converted, "CLAP")
