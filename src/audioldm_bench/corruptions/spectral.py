"""Corruptions of the log-mel spectrogram: noise, and a masked block (paper, section IV-B)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from audioldm_bench import audio
from audioldm_bench.corruptions.real import Corruption, RealClips
from audioldm_bench.seeds import derive

if TYPE_CHECKING:
    import torch


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
    kind: str, real: RealClips, figure1: Mapping, mel: Mapping, vocoder: Path | None, seed: int
) -> Corruption:
    """Log-mel, changed (or not: "vocoded"), and back to sound, one clip at a time.

    Back by the vocoder in the folder `vocoder`, which hears the level that it was trained on; or,
    if it is None, by the clip's own phase. The clip's own level is given back, or as much of it as
    does not clip.
    """
    import torch

    from audioldm_bench.mel import LogMel

    front_end = LogMel(real.rate, **mel)
    hop, floor = mel["hop_length"], float(np.log(LogMel.floor))
    padded = -(-real.n_samples // hop) * hop
    to_sound = _by_vocoder(vocoder, real.n_samples) if vocoder else _by_own_phase(real.rate, mel)

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
        log_mel = front_end(waveform[None])[0]
        rng = np.random.default_rng(derive(seed, kind, clip_id))
        changed = torch.from_numpy(change(log_mel.numpy(), len(samples), rng))
        sound = to_sound(waveform, log_mel, changed) * level
        return sound / max(1.0, float(np.abs(sound).max()))

    return corrupt


# (T,) waveform, its log-mel and the changed one, both (frames, n_mels), to sound (T,)
_ToSound = Callable[["torch.Tensor", "torch.Tensor", "torch.Tensor"], np.ndarray]


def _by_vocoder(folder: Path, n_samples: int) -> _ToSound:
    from audioldm_bench.vocoder import load_vocoder, vocode

    vocoder = load_vocoder(folder)
    device = next(vocoder.parameters()).device

    def to_sound(_waveform, _log_mel, changed: torch.Tensor) -> np.ndarray:
        return vocode(vocoder, changed[None].to(device), n_samples)[0].cpu().numpy()

    return to_sound


def _by_own_phase(rate: int, mel: Mapping) -> _ToSound:
    from audioldm_bench.corruptions.own_phase import OwnPhase

    own_phase = OwnPhase(rate, mel)

    def to_sound(waveform: torch.Tensor, log_mel: torch.Tensor, changed: torch.Tensor):
        return own_phase.resynthesise(waveform, changed - log_mel).numpy()

    return to_sound
