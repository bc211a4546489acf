"""Runs of the tiny world in segments, and what they left."""

from __future__ import annotations

import csv

from diffusion_world import TRAINING, UNET

from audioldm_bench.diffusion.training import train_segment
from audioldm_bench.diffusion.unet import WEIGHTS
from audioldm_bench.files import file_sha256, folder_sha256


def run(world, folder, bounds, *, training=TRAINING, start=UNET, **changes):
    """Segments between the bounds; the outputs are step-N and state-N in `folder`."""
    for first, last in zip(bounds, bounds[1:], strict=False):
        arguments = {**world.caches, "initialisation": "scratch", "training_config": training}
        train_segment(
            start,
            folder / f"step-{last}",
            folder / f"state-{last}",
            first_step=first,
            last_step=last,
            state=folder / f"resume-{last}",
            **arguments | changes,
        )
        start = folder / f"state-{last}"


def rows_of(folder):
    with open(folder / "training.csv", newline="") as file:
        return list(csv.DictReader(file))


def figures(folder, name):
    return [float(row[name]) for row in rows_of(folder)]


def same(one, other, step):
    weights = [file_sha256(f / f"step-{step}" / WEIGHTS) for f in (one, other)]
    states = [folder_sha256(f / f"state-{step}") for f in (one, other)]
    return weights[0] == weights[1] and states[0] == states[1]
