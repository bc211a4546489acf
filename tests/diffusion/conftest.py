"""The tiny world, made once."""

from __future__ import annotations

import pytest
import torch
from diffusion_world import DIFFUSION, UNET, World, write_models, write_stores

from audioldm_bench.datasets.manifest import Clip, write_manifest
from audioldm_bench.diffusion.generation import load_generator
from audioldm_bench.diffusion.unet import build_unet, save_unet
from audioldm_bench.store import Store


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> World:
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("world")
    ids = [f"clip-{number:02d}" for number in range(24)]
    clips = [
        Clip(clip_id, f"{clip_id}.wav", split="evaluation" if number % 3 == 2 else "train")
        for number, clip_id in enumerate(ids)
    ]
    # A clip of the manifest without latents or sound, as one that was set aside.
    write_manifest(root / "manifest.csv", [*clips, Clip("lost", "lost.wav", split="train")])
    write_stores(root, ids)
    write_models(root)
    train_ids = [clip.clip_id for clip in clips if clip.split == "train"]
    return World(root, ids, train_ids, [i for i in ids if i not in train_ids])


@pytest.fixture(scope="session")
def unet_folder(tmp_path_factory):
    """A UNet of random weights, none of them zero, so that all noise and conditions tell."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("unet")
    save_unet(build_unet(UNET), folder)
    return folder


@pytest.fixture(scope="session")
def generator(world, unet_folder):
    return load_generator(unet_folder, world.root / "vae", world.root / "vocoder", DIFFUSION)


@pytest.fixture(scope="session")
def conditions(world):
    with Store(world.root / "clap.h5") as clap:
        return {clip_id: torch.from_numpy(clap.get("embedding", clip_id)) for clip_id in clap.ids}
