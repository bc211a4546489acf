"""Corruptions of the log-mel spectrogram: noise, and a masked block (paper, section IV-B)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from audioldm_bench import audio
from audioldm_bench.corruptions.real import Corruption, RealClips
from audioldm_bench.seeds import derive


def add_noise(log_mel: np.ndarray, std: float, rng: np.random.Generator) -> np.ndarray:
    """(frames, n_mels) plus Gaussian noise of standard deviation `std` (nepers)."""
    return log_mel + std * rng.standard_normal(log_mel.shape, dtype=np.float32)


def mask_block(
    log_mel: np.ndarray, frames: int, last_frame: int, floor: float, rng: np.random.Generator
) -> np.ndarray:
    """(frames, n_mels) with a block of `frames` frames, all bands, set to `floor`.

    The block begins at random, and ends by `last_frame` if it can: where the sound ends and the
    padding begins.
    """
    start = int(rng.integers(0, max(0, last_frame - frames) + 1))
    masked = log_mel.copy()
    masked[start : start + frames] = floor
    return masked


def mel_corruption(
    kind: str, real: RealClips, figure1: Mapping, mel: Mapping, vocoder_folder: Path, seed: int
) -> Corruption:
    """Log-mel, changed (or not: "vocoded"), and back to sound by the vocoder, one clip at a time.

    The vocoder hears the level that it was trained on; the clip's own level is given back.
    """
    import torch

    from audioldm_bench.mel import LogMel
    from audioldm_bench.vocoder import load_vocoder, vocode

    vocoder, front_end = load_vocoder(vocoder_folder), LogMel(real.rate, **mel)
    device = next(vocoder.parameters()).device
    hop, floor = mel["hop_length"], float(np.log(LogMel.floor))
    padded = -(-real.n_samples // hop) * hop

    def change(log_mel: np.ndarray, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        if kind == "noise":
            return add_noise(log_mel, figure1["noise_std"], rng)
        if kind == "mask":
            block = round(figure1["mask_duration"] * real.rate / hop)
            return mask_block(log_mel, block, n_samples // hop, floor, rng)
        return log_mel

    def corrupt(clip_id: str) -> np.ndarray:
        samples = real.read(clip_id)
        level = np.abs(samples).max() / 0.5
        waveform = torch.from_numpy(audio.fit(audio.normalise(samples), padded))
        log_mel = front_end(waveform[None])[0].numpy()
        rng = np.random.default_rng(derive(seed, kind, clip_id))
        changed = change(log_mel, len(samples), rng)
        sound = vocode(vocoder, torch.from_numpy(changed)[None].to(device), real.n_samples)
        return sound[0].cpu().numpy() * level

    return corrupt
