"""A changed log-mel spectrogram as sound without a vocoder: by the phase of the clip itself."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch


class OwnPhase:
    """Scales the spectrum of a clip by what is asked of its log-mel, and goes back to sound.

    `mel` is the config's section: the front end of `LogMel`.
    """

    def __init__(self, sample_rate: int, mel: Mapping):
        import librosa

        self.n_fft, self.hop, self.win = mel["n_fft"], mel["hop_length"], mel["win_length"]
        self.window = torch.hann_window(self.win)
        centres = librosa.mel_frequencies(mel["n_mels"] + 2, fmin=mel["f_min"], fmax=mel["f_max"])
        bins = np.linspace(0.0, sample_rate / 2, self.n_fft // 2 + 1)
        bands = np.eye(mel["n_mels"])
        weights = np.stack([np.interp(bins, centres[1:-1], band) for band in bands], axis=1)
        self.weights = torch.from_numpy(weights).float()  # (bins, n_mels): linear between centres

    def resynthesise(self, waveform: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
        """(T,) with the spectrum's magnitudes times exp(change), (T // hop, n_mels) in nepers.

        T is a multiple of the hop. Frames overlap, so that what differs from frame to frame is
        evened out: no sound has a spectrum that is independent in each frame.
        """
        pad = (self.n_fft - self.hop) // 2
        padded = torch.nn.functional.pad(waveform[None, None], (pad, pad), mode="reflect")[0, 0]
        sizes = (self.n_fft, self.hop, self.win)
        spectrum = torch.stft(padded, *sizes, self.window, center=False, return_complex=True)
        gains = torch.exp(self.weights @ change.T)
        frames = torch.fft.irfft(spectrum * gains, n=self.n_fft, dim=0)
        left = (self.n_fft - self.win) // 2
        window = torch.nn.functional.pad(self.window, (left, self.n_fft - self.win - left))[:, None]
        sound = self._overlap_add(frames * window, len(padded))
        weight = self._overlap_add((window**2).expand_as(frames), len(padded))
        return (sound / weight.clamp(min=1e-8))[pad : pad + len(waveform)]

    def _overlap_add(self, frames: torch.Tensor, length: int) -> torch.Tensor:
        """(n_fft, frames) to (length,)."""
        kernel = {"kernel_size": (1, self.n_fft), "stride": (1, self.hop)}
        return torch.nn.functional.fold(frames[None], (1, length), **kernel)[0, 0, 0]
