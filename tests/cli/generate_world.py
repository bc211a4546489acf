"""A study's folder with small random models: what `generate` looks for."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from audioldm_bench.clap_front_end import write_front_end
from audioldm_bench.components.clap import build_clap
from audioldm_bench.diffusion.unet import build_unet, save_unet
from audioldm_bench.files import write_json
from audioldm_bench.tokenizer import train_tokenizer
from diffusion.diffusion_world import SAMPLING, UNET, write_models
from tiny_clap import FRONT_END, SIZES

WIDTH = SIZES["projection_dim"]
STEP = "runs/esc50/pretrained-text/step-0000040"
SETTINGS = {key: SAMPLING[key] for key in ("sampler", "steps", "eta", "guidance_scale")}
SETTINGS |= {"candidates": 2, "generated_duration": 0.5}


def write_study(study: Path) -> Path:
    """models/, a run with one step, and the clips.json of that step's system; returns `study`."""
    models = study / "models"
    write_models(models)
    (models / "clap").mkdir()
    train_tokenizer(["a dog barks", "rain falls on a roof"], models / "clap", 270)
    torch.manual_seed(0)
    build_clap(SIZES, FRONT_END, models / "clap").model.save_pretrained(models / "clap")
    write_front_end(models / "clap", FRONT_END)
    unet = build_unet(UNET | {"projection_class_embeddings_input_dim": WIDTH})
    save_unet(unet, study / STEP)
    shutil.copytree(study / STEP, models / "unet")
    about = SETTINGS | {"system": "pretrained-text-0000040", "dataset": "esc50"}
    write_json(study / "systems/esc50/pretrained-text-0000040/clips.json", about)
    write_json(study / "systems/esc50/real/clips.json", {"system": "real"})
    return study
