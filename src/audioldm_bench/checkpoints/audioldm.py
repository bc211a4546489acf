"""The authors' AudioLDM checkpoints, taken apart into component folders.

A checkpoint is the state dict of the whole system. Each of its keys goes to one component, or is
on the list of keys that are known to be of no use; any other key is an error, so that a file of
another kind is not half understood.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import sys
from collections import Counter
from pathlib import Path

import torch

from ..clap import write_front_end
from ..errors import UserError
from ..files import file_sha256, replace_folder, write_json
from ..tokenizer import load_tokenizer, save_tokenizer
from .clap import convert_clap
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
SCHEDULER = {  # [code]; steps_offset and set_alpha_to_one as the original DDIM sampler counts
    "num_train_timesteps": 1000,
    "beta_start": 0.0015,
    "beta_end": 0.0195,
    "beta_schedule": "scaled_linear",
    "prediction_type": "epsilon",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}


def sort_keys(state: dict[str, torch.Tensor]) -> tuple[dict[str, Weights], Counter[str]]:
    """The components' weights, and how many keys are unused for which reason.

    Weights named "" hold scale_factor and betas. UserError names keys that have no place.
    """
    parts = {name: Weights({}, prefix) for name, prefix in {**PARTS, "": ""}.items()}
    unused: Counter[str] = Counter()
    unknown = []
    for key, tensor in state.items():
        reason = next((why for why, keys in UNUSED.items() if re.fullmatch(keys, key)), None)
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


def _write_tokenizer(files: dict[str, Path], folder: Path, vocab_size: int) -> None:
    """The two files of RoBERTa's tokenizer, checked against the text tower's embeddings."""
    try:
        vocabulary = json.loads(Path(files["vocab"]).read_text(encoding="utf-8"))
        merges = Path(files["merges"]).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise UserError(f"the tokenizer's files cannot be read: {error}") from error
    if not isinstance(vocabulary, dict):
        raise UserError(f"{files['vocab']} holds no vocabulary")
    if merges and merges[0].startswith("#version"):
        merges = merges[1:]
    save_tokenizer(vocabulary, merges, folder)
    load_tokenizer(folder, vocab_size)


def convert(
    state: dict[str, torch.Tensor],
    folder: Path,
    tokenizer_files: dict[str, Path],
    clap_config: dict,
    head_channels: int | None = None,
) -> dict:
    """Writes the component folders of `state` into `folder`; returns what was found in it."""
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    parts, unused = sort_keys(state)
    check_schedule(parts[""]["betas"])
    scale = scale_factor(parts[""]["scale_factor"])
    averaged = ema_weights(parts["raw"], parts["ema"])
    parameters = {}
    for name, make in {  # one at a time: memory holds one component
        "unet": lambda: convert_unet(averaged, head_channels),
        "vae": lambda: convert_vae(parts["vae"], scale),
        "vocoder": lambda: convert_vocoder(parts["vocoder"]),
        "clap": lambda: convert_clap(parts["clap"]),
    }.items():
        model = make()
        model.save_pretrained(folder / name)
        parameters[name] = sum(p.numel() for p in model.parameters())
    DDIMScheduler(**SCHEDULER).save_pretrained(folder / "scheduler")
    write_front_end(folder / "clap", clap_config)
    vocab_size = parts["clap"].width("text_branch.embeddings.word_embeddings.weight")
    _write_tokenizer(tokenizer_files, folder / "clap", vocab_size)
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
    work = out_folder.with_name(f".{out_folder.name}.import")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        found = convert(state, work, tokenizer_files, clap_config, head_channels)
        source = {"file": ckpt.name, "format": "AudioLDM checkpoint", **found}
        source["sha256"] = file_sha256(ckpt)
        write_json(work / "source.json", source)
        replace_folder(work, out_folder)
    except UserError as error:
        raise UserError(f"{ckpt}: {error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _print(source)
    return source


def _print(source: dict) -> None:
    """The keys of the file by what became of them, on stderr."""
    print(f"[import] {source['file']}: size {source['size']}", file=sys.stderr)
    for title in ("keys_used", "keys_unused"):
        for name, count in source[title].items():
            print(f"[import] {title.replace('_', ' ')}: {count} {name}", file=sys.stderr)
