"""The world of component_world, made once a session."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from component_world import DURATION, RATE, SETTINGS, WORDINGS, World, sound

from audioldm_bench.components.tokenizer import train_tokenizer_folder
from audioldm_bench.store import Part, build_store


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """36 clips of three families in two shards; two of them short, one without audio."""
    world = World(tmp_path_factory.mktemp("components"))
    rng = np.random.default_rng(0)
    rows, sounds = [], {}
    for i in range(36):
        label = ("Tone", "Hiss", "Tick")[i % 3]
        n = round((0.4 if i in (4, 5) else DURATION) * RATE)
        clip_id, split = f"clip{i:02d}", "train" if i < 24 else "evaluation"
        sounds[clip_id] = sound(rng, i % 3, n).astype(np.float32)
        rows.append({"clip_id": clip_id, "caption": label, "label": label, "split": split})
    rows.append({"clip_id": "gone", "caption": "Tone", "label": "Tone", "split": "train"})
    with open(world.manifest, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    for number, ids in enumerate((list(sounds)[:20], list(sounds)[20:])):
        build_store(
            world.folder / "audio" / f"shard-{number:05d}.h5",
            ids,
            lambda some: Part(some, {"waveform": [sounds[i] for i in some]}),
            state=world.folder / "state-audio",
            fingerprint=str(number),
            attrs={"sample_rate": RATE},
        )
    train_tokenizer_folder(
        [world.manifest],
        world.folder / "tokenizer",
        settings=SETTINGS["tokenizer"],
        wordings=WORDINGS,
    )
    return world


@pytest.fixture(scope="session")
def trained(world: World, tmp_path_factory: pytest.TempPathFactory):
    """The folder of a component, trained once a session when it is first asked for."""
    root = tmp_path_factory.mktemp("trained")

    def get(name: str) -> Path:
        out = root / name
        return out if out.exists() else world.train(name, out)

    return get
