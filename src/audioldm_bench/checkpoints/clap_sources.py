"""CLAP for a diffusers folder, which holds its text tower only.

The audio tower comes from a file or folder that has both: a laion-clap checkpoint, one of the
authors' AudioLDM checkpoints, or a folder of transformers' ClapModel. Its text tower tells whether
it is the CLAP that the diffusion model was trained with.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..clap import Clap
from ..clap_front_end import ClapLogMel, extractor_config
from ..errors import UserError
from ..files import file_sha256
from ..hub import CLAP_WEIGHTS
from .audioldm import PARTS, sort_keys, unused_because
from .captions import CAPTIONS
from .clap import audio_config, convert_clap, translate
from .folders import check_some, read_config, weights_file
from .reader import listing, read_tensors
from .weights import Weights

if TYPE_CHECKING:
    from transformers import RobertaTokenizer

LEAST_COSINE = 0.999  # between the two towers' embeddings of each caption
HTSAT_DEPTHS = {96: [2, 2, 6, 2], 128: [2, 2, 12, 2]}  # by width: HTSAT-tiny, HTSAT-base [code]
TEXT_ANYWHERE = {"hidden_act": "gelu", "projection_hidden_act": "relu", "pad_token_id": 1}
_AUDIO_ANYWHERE = {
    "hidden_act": "gelu",
    "projection_hidden_act": "relu",
    "enable_fusion": False,
    "flatten_patch_embeds": True,
    "enable_patch_layer_norm": True,
    "layer_norm_eps": 1e-5,
}
_CONSTANTS = r"text_model\.embeddings\.(position|token_type)_ids"
_TO_ORIGINAL = (  # in this order; `translate` turns each back
    ("text_model.", "text_branch."),
    ("audio_model.audio_encoder.", "audio_branch."),
    ("_projection.linear1.", "_projection.0."),
    ("_projection.linear2.", "_projection.2."),
)
_TO_ORIGINAL_AUDIO = (
    (".batch_norm.", ".bn0."),
    (".attention.output.dense.", ".attn.proj."),
    (".attention.self.", ".attn."),
    (".layernorm_before.", ".norm1."),
    (".layernorm_after.", ".norm2."),
    (".intermediate.dense.", ".mlp.fc1."),
    (".output.dense.", ".mlp.fc2."),
)


@dataclass
class ClapSource:
    """Both towers by their original names, and where they are from."""

    path: Path
    format: str
    weights: Weights
    unused: Counter[str]
    sha256: str


def original_name(key: str) -> str | None:
    """The original name of a transformers one, None if it has none."""
    name = key
    for new, old in _TO_ORIGINAL:
        name = name.replace(new, old)
    if name.startswith("audio_branch."):
        for new, old in _TO_ORIGINAL_AUDIO:
            name = name.replace(new, old)
    return name if translate(name) == key else None


def _joined(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The audio tower's query, key and value in one, as the original has them."""
    result = dict(state)
    for key in [k for k in state if re.fullmatch(r"audio_model\..+\.self\.query\.\w+", k)]:
        names = [key.replace(".query.", f".{part}.") for part in ("query", "key", "value")]
        absent = [name for name in names if name not in state]
        if absent:
            raise UserError(f"weights have no key: {listing(absent)}")
        result[key.replace(".query.", ".qkv.")] = torch.cat([result.pop(name) for name in names])
    return result


def to_original(state: dict[str, torch.Tensor]) -> tuple[Weights, int]:
    """Weights of transformers' CLAP classes by their original names, and the number of constants.

    UserError names the keys that have no place, and constants of other values than RoBERTa's.
    """
    weights, names, unknown, constants = {}, {}, [], 0
    for key, tensor in _joined(state).items():
        if re.fullmatch(_CONSTANTS, key):
            first = torch.arange(tensor.numel()) if "position" in key else 0
            if not torch.equal(tensor.flatten().long(), torch.zeros(tensor.numel()).long() + first):
                raise UserError(f"{key} does not count from 0 as RoBERTa's does")
            constants += 1
        elif (name := original_name(key)) is None:
            unknown.append(key)
        else:
            weights[name], names[name] = tensor, key
    if unknown:
        raise UserError(f"{len(unknown)} unknown keys: {listing(unknown)}")
    return Weights(weights, "", names), constants


def read_clap(path: Path) -> ClapSource:
    """Both towers from a laion-clap .pt, an AudioLDM .ckpt or a folder of transformers' ClapModel.

    UserError names the path, with what of it is missing, unknown or of another architecture.
    """
    path = Path(path)
    try:
        source = _from_folder(path) if path.is_dir() else _from_file(path)
        check_depths(source.weights)
    except UserError as error:
        place = "" if str(path) in str(error) else f"{path}: "
        raise UserError(f"{place}{error}") from error
    return source


def _from_file(path: Path) -> ClapSource:
    state = read_tensors(path)
    if any(key.startswith(PARTS["clap"]) for key in state):
        parts, unused = sort_keys(state)
        unused["of the other components"] = sum(len(parts[n]) for n in parts if n != "clap")
        return ClapSource(path, "AudioLDM checkpoint", parts["clap"], unused, file_sha256(path))
    if all(key.startswith("module.") for key in state):
        state = {key.removeprefix("module."): tensor for key, tensor in state.items()}
    unused, unknown, weights = Counter(), [], Weights({}, "")
    for key, tensor in state.items():
        reason = unused_because(PARTS["clap"] + key)
        if reason is not None:
            unused[reason] += 1
        elif translate(key) is None:
            unknown.append(key)
        else:
            weights[key] = tensor
    if unknown:
        raise UserError(f"{len(unknown)} unknown keys: {listing(unknown)}")
    return ClapSource(path, "laion-clap checkpoint", weights, unused, file_sha256(path))


def _from_folder(folder: Path) -> ClapSource:
    from transformers import ClapAudioConfig, ClapTextConfig

    file = weights_file(folder, CLAP_WEIGHTS)
    path = "config.json"
    config = read_config(folder / path)
    weights, constants = to_original(read_tensors(file))
    audio = ClapAudioConfig().to_dict() | config.get("audio_config", {})
    check_some(path, audio, {**_AUDIO_ANYWHERE, **audio_config(weights)})
    check_some(path, ClapTextConfig().to_dict() | config.get("text_config", {}), TEXT_ANYWHERE)
    unused = Counter({"constants, computed anew": constants})
    return ClapSource(folder, "transformers ClapModel", weights, unused, file_sha256(file))


def check_depths(weights: Weights) -> None:
    """UserError if the audio tower has the width of a published one but not its blocks: converted
    copies are known that lost some, and the text towers would not show it."""
    found = audio_config(weights)
    wanted = HTSAT_DEPTHS.get(found["patch_embeds_hidden_size"], found["depths"])
    if found["depths"] != wanted:
        raise UserError(
            f"the audio tower has {found['depths']} blocks at its levels, HTSAT of width "
            f"{found['patch_embeds_hidden_size']} has {wanted}: take a complete one"
        )


def _embed(weights: Weights, tokenizer: RobertaTokenizer, clap_config: dict) -> np.ndarray:
    front_end = ClapLogMel(extractor_config(clap_config))
    return Clap(convert_clap(weights), tokenizer, front_end).embed_text(CAPTIONS)


def join_towers(text: Weights, source: ClapSource) -> Weights:
    """The text tower of `text` with everything else of `source`, by original names."""
    others = {key: value for key, value in source.weights.items() if not key.startswith("text_")}
    both = {**others, **text}
    names = {key: source.weights.origin(key) for key in others}
    return Weights(both, "", names | {key: text.origin(key) for key in text})


def check_text_towers(
    text: Weights, source: ClapSource, tokenizer: RobertaTokenizer, clap_config: dict
) -> float:
    """The smallest cosine between both text towers' embeddings of the captions.

    UserError with the figure if it is not above LEAST_COSINE: the audio tower is another CLAP's.
    """
    widths = [w.width("text_projection.2.weight") for w in (text, source.weights)]
    if widths[0] != widths[1]:
        raise UserError(
            f"the text tower embeds into {widths[0]} numbers, {source.path} into {widths[1]}"
        )
    theirs = _embed(source.weights, tokenizer, clap_config)
    ours = _embed(join_towers(text, source), tokenizer, clap_config)
    cosines = (ours.astype(float) * theirs.astype(float)).sum(axis=1)
    worst = int(cosines.argmin())
    if not cosines[worst] > LEAST_COSINE:
        raise UserError(
            f"its text tower and that of {source.path} ({source.format}) differ: the smallest "
            f"cosine of {len(CAPTIONS)} captions is {cosines[worst]:.4f} "
            f'("{CAPTIONS[worst]}"), and {LEAST_COSINE} is the least; so the audio tower there is '
            "not of the CLAP that this model was trained with. Set the entry's `clap` in the "
            "config to another source: the authors' .ckpt of the same model has the right one"
        )
    return float(cosines[worst])
