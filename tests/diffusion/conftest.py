"""The tiny world, made once."""

from __future__ import annotations

import pytest
import torch
from diffusion_world import World, write_models, write_stores

from audioldm_bench.datasets.manifest import Clip, write_manifest


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
