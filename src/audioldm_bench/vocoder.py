"""The vocoder: log-mel spectrograms to sound (HiFi-GAN)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from .errors import UserError
from .pretrained import load_pretrained

if TYPE_CHECKING:
    from transformers import SpeechT5HifiGan


def load_vocoder(folder: Path) -> SpeechT5HifiGan:
    """The SpeechT5HifiGan in `folder`, frozen, on this machine's device."""
    from transformers import SpeechT5HifiGan

    return load_pretrained(SpeechT5HifiGan, folder)


@torch.no_grad()
def vocode(vocoder: SpeechT5HifiGan, log_mel: torch.Tensor, n_samples: int) -> torch.Tensor:
    """(B, frames, n_mels) log-mel to the first `n_samples` of its sound, (B, n_samples), -1..1.

    The published vocoder gives a few samples more than frames x hop: 163,872 for 10.24 s.
    UserError if the spectrogram is too short for `n_samples`.
    """
    waveforms = vocoder(log_mel)
    if waveforms.shape[-1] < n_samples:
        raise UserError(
            f"the vocoder makes {waveforms.shape[-1]} samples of {log_mel.shape[1]} frames, but "
            f"{n_samples} are asked for: its upsample_rates must multiply to mel.hop_length"
        )
    return waveforms[..., :n_samples]
