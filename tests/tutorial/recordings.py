"""Recordings of a person, as they may be, and what a study's config makes of them."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import soundfile
import yaml

from audioldm_bench.datasets.prepare import make_manifest
from config_cases import DEFAULT, merged

CLASSES = ("dog", "rain", "clock tick")


def sound(path: Path, seconds: float = 0.5) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(len(path.name)).normal(0, 0.1, round(seconds * 8000))
    soundfile.write(path, noise.astype(np.float32), 8000)
    return path


def class_folders(folder: Path, each: int = 10, classes=CLASSES, **lengths: float) -> Path:
    for label in classes:
        for number in range(each):
            sound(folder / label / f"{label} {number}.wav", **lengths)
    return folder


def a_csv(path: Path, columns: dict, *, files: int = 24, end: str = "\n", bom: str = "") -> Path:
    """`columns`: what the cells of row n are, beside the file."""
    rows = [["file", *columns]]
    for n in range(files):
        sound(path.parent / f"clips/{n}.wav")
        rows.append([f"clips/{n}.wav", *(str(cell(n)) for cell in columns.values())])
    path.write_bytes((bom + end.join(",".join(row) for row in rows) + end).encode("utf-8"))
    return path


def label(n: int) -> str:
    return CLASSES[n % 3]


def read(name: str) -> dict:
    return yaml.safe_load(Path(f"{name}.yaml").read_text(encoding="utf-8"))


def study(name: str) -> dict:
    """What the workflow would see."""
    return merged(DEFAULT, read(name))


def splits(config: dict) -> Counter:
    """As the rule `make_manifest` makes them."""
    section = config["datasets"]["mine"]
    root = Path(section["folder"])
    make_manifest(
        root,
        section,
        dataset="mine",
        seed=config["seed"],
        manifest_path=Path("made/manifest.csv"),
        missing_path=Path("made/missing.csv"),
    )
    with open("made/manifest.csv", newline="", encoding="utf-8") as file:
        return Counter(row["split"] for row in csv.DictReader(file))
