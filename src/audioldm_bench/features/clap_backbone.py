"""The study's CLAP as a backbone: of CLAP score, and of any distance of embeddings."""

from __future__ import annotations

from pathlib import Path

import torch

from audioldm_bench.clap import load_clap
from audioldm_bench.clap_front_end import RATE_IN
from audioldm_bench.features.base import Features


class ClapAudio:
    """embedding (B, P): unit vectors, as `Clap.embed_audio` makes them for the training.

    Clips are heard at the models' 16 kHz and raised to CLAP's rate from there, as in AudioLDM;
    the first `models.clap.duration` s, and a shorter clip repeated.
    """

    name = "clap"
    sample_rate = RATE_IN
    examples = False
    classifies = False

    def __init__(self, folder: Path):
        self.clap = load_clap(folder)

    def embed(self, waveforms: torch.Tensor) -> Features:
        """(B, T) at 16 kHz."""
        return {"embedding": torch.from_numpy(self.clap.embed_audio(list(waveforms.numpy())))}
