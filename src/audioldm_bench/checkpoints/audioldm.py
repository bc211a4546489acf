"""The authors' AudioLDM checkpoints, taken apart into component folders.

A checkpoint is the state dict of the whole system. Each of its keys goes to one component, or is
on the list of keys that are known to be of no use; any other key is an error, so that a file of
another kind is not half understood.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from pathlib import Path

import torch

from ..errors import UserError
from ..files import file_sha256, write_json
from .clap import convert_clap
from .output import SCHEDULER, report, whole_folder, write_components, write_tokenizer
from .reader import listing, read_state_dict
from .unet import convert_unet, ema_weights, size_of
from .vae import convert_vae
from .vocoder import convert_vocoder
from .weights import Weights

PARTS = {  # component: prefix in the file; the first that fits counts
    "raw": "model.diffusion_model.",
    "ema": "model_ema.",
    "vocoder": "first_stage_model.vocoder.",
    "vae": "first_stage_model.",
    "clap": "cond_stage_model.model.",
}
_SCHEDULE = (
    "alphas_cumprod|alphas_cumprod_prev|sqrt_alphas_cumprod|sqrt_one_minus_alphas_cumprod|"
    "log_one_minus_alphas_cumprod|sqrt_recip_alphas_cumprod|sqrt_recipm1_alphas_cumprod|"
    "posterior_variance|posterior_log_variance_clipped|posterior_mean_coef1|posterior_mean_coef2|"
    "lvlb_weights"
)
_CLAP = r"cond_stage_model\.model\."
UNUSED = {  # why: keys
    "follow from betas": _SCHEDULE,
    "log-variance that is not learned": "logvar",
    "bookkeeping of the average": r"model_ema\.(decay|num_updates)",
    "training loss of the VAE": r"first_stage_model\.loss\..+",
    "heads for CLAP's classification": _CLAP + r"audio_branch\.(tscam_conv|head)\..+",
    "transforms that embeddings do not pass": _CLAP + r"(audio|text)_transform\..+",
    "spectrogram constants": _CLAP + r"audio_branch\.(spectrogram|logmel)_extractor\..+",
    "attention masks, computed anew": _CLAP + r"audio_branch\.layers\.\d+\.blocks\.\d+\.attn_mask",
    "counters of positions": _CLAP + r"text_branch\.embeddings\.(position|token_type)_ids",
}


def unused_because(key: str) -> str | None:
    """Why the weight `key` of a checkpoint is of no use here; None if it is of use or unknown."""
    return next((why for why, keys in UNUSED.items() if re.fullmatch(keys, key)), None)


def sort_keys(state: dict[str, torch.Tensor]) -> tuple[dict[str, Weights], Counter[str]]:
    """The components' weights, and how many keys are unused for which reason.

    Weights named "" hold scale_factor and betas. UserError names keys that have no place.
    """
    parts = {name: Weights({}, prefix) for name, prefix in {**PARTS, "": ""}.items()}
    unused: Counter[str] = Counter()
    unknown = []
    for key, tensor in state.items():
        reason = unused_because(key)
        part = next((name for name, prefix in PARTS.items() if key.startswith(prefix)), None)
        if reason is not None:
            unused[reason] += 1
        elif part is not None:
            parts[part][key.removeprefix(PARTS[part])] = tensor
        elif key in ("scale_factor", "betas"):
            parts[""][key] = tensor
        else:
            unknown.append(key)
    absent = [prefix + "*" for name, prefix in PARTS.items() if not parts[name]]
    if len(absent) > 1:  # without EMA alone, it says so itself
        raise UserError(f"this is not an AudioLDM checkpoint: it has no keys {listing(absent)}")
    if unknown:
        raise UserError(f"{len(unknown)} unknown keys: {listing(unknown)}")
    return parts, unused


def check_schedule(betas: torch.Tensor) -> None:
    """UserError unless the file's noise schedule is the one that the scheduler folder will name."""
    steps = SCHEDULER["num_train_timesteps"]
    ends = (math.sqrt(SCHEDULER["beta_start"]), math.sqrt(SCHEDULER["beta_end"]))
    expected = torch.linspace(*ends, steps, dtype=torch.float64) ** 2
    same_length = betas.shape == expected.shape
    if not same_length or not torch.allclose(betas.double(), expected, rtol=1e-5, atol=0):
        raise UserError(
            f"betas has the shape {tuple(betas.shape)} and is not the schedule of AudioLDM "
            f"({steps} steps, {SCHEDULER['beta_start']} to {SCHEDULER['beta_end']}, scaled linear)"
        )


def scale_factor(tensor: torch.Tensor) -> float:
    """The number by which latents are multiplied. UserError if it is none."""
    value = float(tensor) if tensor.numel() == 1 else math.nan
    if not (math.isfinite(value) and value > 0):
        raise UserError(f"scale_factor is {tensor.flatten()[:3].tolist()}, not a positive number")
    return value


def convert(
    state: dict[str, torch.Tensor],
    folder: Path,
    tokenizer_files: dict[str, Path],
    clap_config: dict,
    head_channels: int | None = None,
) -> dict:
    """Writes the component folders of `state` into `folder`; returns what was found in it."""
    parts, unused = sort_keys(state)
    check_schedule(parts[""]["betas"])
    scale = scale_factor(parts[""]["scale_factor"])
    averaged = ema_weights(parts["raw"], parts["ema"])
    makers = {
        "unet": lambda: convert_unet(averaged, head_channels),
        "vae": lambda: convert_vae(parts["vae"], scale),
        "vocoder": lambda: convert_vocoder(parts["vocoder"]),
        "clap": lambda: convert_clap(parts["clap"]),
    }
    vocab_size = parts["clap"].width("text_branch.embeddings.word_embeddings.weight")
    write_tokenizer(tokenizer_files, folder / "clap", vocab_size)
    parameters = write_components(makers, folder, clap_config)
    unused["raw weights, the EMA weights are taken"] = len(parts["raw"])
    used = {"unet": len(averaged), **{k: len(parts[k]) for k in ("vae", "vocoder", "clap")}}
    return {
        "size": size_of(averaged.width("input_blocks.0.0.weight"), head_channels)[0],
        "scale_factor": scale,
        "parameters": parameters,
        "keys_used": used | {"scale_factor and betas": len(parts[""])},
        "keys_unused": dict(unused),
    }


def import_audioldm(
    ckpt: Path,
    out_folder: Path,
    *,
    tokenizer_files: dict[str, Path],
    clap_config: dict,
    head_channels: int | None = None,
) -> dict:
    """Import an authors' AudioLDM checkpoint into component folders, whole or not at all.

    `out_folder` gets unet (EMA weights), vae (scale factor in its config), vocoder, clap (both
    towers, tokenizer, front end), scheduler, and source.json, which is returned. `tokenizer_files`:
    RoBERTa's {"vocab": ..., "merges": ...}; `clap_config`: the config's models.clap. The
    architecture is read from the shapes; only the width of an attention head leaves no trace in
    them: that of the published sizes is known, for any other UNet pass `head_channels`. UserError
    if a key is unknown, missing or misshapen, or if the file is of another kind.
    """
    ckpt, out_folder = Path(ckpt), Path(out_folder)
    state = read_state_dict(ckpt)
    with whole_folder(out_folder, ckpt) as work:
        found = convert(state, work, tokenizer_files, clap_config, head_channels)
        source = {"file": ckpt.name, "format": "AudioLDM checkpoint", **found}
        source["sha256"] = file_sha256(ckpt)
        write_json(work / "source.json", source)
    report(source)
    return source
