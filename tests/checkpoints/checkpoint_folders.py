"""Diffusers and laion layouts of the small system, as users and the hub have them."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file

from audioldm_bench.files import read_json, write_json

SCHEDULER = {
    "num_train_timesteps": 1000,
    "beta_start": 0.0015,
    "beta_end": 0.0195,
    "beta_schedule": "scaled_linear",
    "prediction_type": "epsilon",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}
OLD_ATTENTION = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def text_encoder(clap):
    """The text tower of `clap` as the class of the hub's folders."""
    from transformers import ClapTextModelWithProjection

    model = ClapTextModelWithProjection(clap.config.text_config)
    state = {k: v for k, v in clap.state_dict().items() if k.startswith("text_")}
    model.load_state_dict(state, strict=True)
    return model.eval()


def diffusers_folder(system, folder: Path) -> Path:
    """The system with its averaged UNet in the layout of diffusers' AudioLDMPipeline."""
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    for name in ("unet", "vae", "vocoder"):
        getattr(system, name).save_pretrained(folder / name)
    text_encoder(system.clap).save_pretrained(folder / "text_encoder")
    DDIMScheduler(**SCHEDULER).save_pretrained(folder / "scheduler")
    (folder / "tokenizer").mkdir()
    shutil.copy(system.tokenizer_files["vocab"], folder / "tokenizer" / "vocab.json")
    shutil.copy(system.tokenizer_files["merges"], folder / "tokenizer" / "merges.txt")
    write_json(folder / "model_index.json", {"_class_name": "AudioLDMPipeline"})
    change(folder / "vae", scaling_factor=0.75)
    return folder


def change(component: Path, **values: object) -> None:
    """Sets values of a component's config.json; None removes one."""
    name = "scheduler_config.json" if component.name == "scheduler" else "config.json"
    config = read_json(component / name) | values
    write_json(component / name, {k: v for k, v in config.items() if v is not None})


def weights(component: Path) -> Path:
    return next(component.glob("*.safetensors"))


def rewrite(component: Path, edit) -> None:
    """Replaces a component's weights by what `edit` makes of them."""
    from safetensors.torch import save_file

    path = weights(component)
    save_file(edit(load_file(path)), path)


def pickled(component: Path, *, rename=lambda key: key) -> None:
    """Turns a component's safetensors into the pickle that older releases wrote."""
    path = weights(component)
    name = "diffusion_pytorch_model" if path.stem.startswith("diff") else "pytorch_model"
    state = {rename(key): tensor.clone() for key, tensor in load_file(path).items()}
    torch.save(state, component / f"{name}.bin")
    path.unlink()


def old_attention(key: str) -> str:
    """The name of a VAE's attention weight before diffusers 0.17."""
    for new, old in OLD_ATTENTION.items():
        key = key.replace(f"attentions.0.{new}.", f"attentions.0.{old}.")
    return key


def laion(system, original, path: Path, *, prefix: str = "module.", **bookkeeping) -> Path:
    """A checkpoint of laion-clap with the CLAP of the system."""
    clap = "cond_stage_model.model."
    state = original.clap(system.clap) | {
        key.removeprefix(clap): t for key, t in original.unused().items() if key.startswith(clap)
    }
    state = {prefix + key: tensor.clone() for key, tensor in state.items()}
    torch.save({"epoch": 15, "name": "clap", "state_dict": state, **bookkeeping}, path)
    return path
