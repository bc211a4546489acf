"""Folders of short sounds, and small networks with seeded random weights to score them by."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import soundfile
import torch

from audioldm_bench.features.cnn import SmallCnn, save_cnn

RATE = 16000
MEL = {"n_fft": 512, "hop_length": 160, "win_length": 400, "n_mels": 32, "f_min": 0, "f_max": 8000}


def sound(number: int, *, seed: int = 0, seconds: float = 0.5, noise: float = 0.02) -> np.ndarray:
    """A tone whose pitch goes with `number`, in noise: (T,) at 16 kHz."""
    rng = np.random.default_rng([number, seed])
    time = np.arange(round(seconds * RATE)) / RATE
    tone = 0.3 * np.sin(2 * np.pi * (200 + 150 * number) * time)
    return (tone + noise * rng.standard_normal(len(time))).astype(np.float32)


def write_clips(folder: Path, numbers, *, suffix: str = "wav", **how) -> Path:
    """`clip-00.wav` and so on; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        path = folder / f"clip-{number:02d}.{suffix}"
        soundfile.write(str(path), sound(number, **how), RATE)
    return folder


def save_network(folder: Path, *, example_duration: float | None, seed: int) -> Path:
    """A tagger (None) or an embedder with random weights, lively enough to tell tones apart."""
    config = {"sample_rate": RATE, "mel": MEL, "channels": [4, 8], "embedding": 6}
    config |= {"labels": [f"label {n}" for n in range(5)], "example_duration": example_duration}
    torch.manual_seed(seed)
    network = SmallCnn(config)
    with torch.no_grad():
        network.embedding.weight *= 20
        network.head.weight *= 8
    save_cnn(network, folder)
    return folder


def read_rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
