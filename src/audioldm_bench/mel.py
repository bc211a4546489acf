"""The log-mel front end of AudioLDM's VAE and vocoder (study.md: "Signal front end")."""

from __future__ import annotations

import torch


class LogMel(torch.nn.Module):
    """(B, T) waveforms to (B, T // hop_length, n_mels) natural log of mel magnitudes.

    Reflect-padded by (n_fft - hop_length) / 2 each side, not centred; slaney mel bands; values
    below 1e-5 are raised to it.
    """

    floor = 1e-5

    def __init__(
        self,
        sample_rate: int,
        n_fft: int,
        hop_length: int,
        win_length: int,
        n_mels: int,
        f_min: float,
        f_max: float,
    ):
        super().__init__()
        import librosa.filters

        self.n_fft, self.hop_length, self.win_length = n_fft, hop_length, win_length
        bands = librosa.filters.mel(
            sr=sample_rate, n_fft=n_fft, n_mels=n_mels, fmin=f_min, fmax=f_max
        )
        self.register_buffer("bands", torch.from_numpy(bands), persistent=False)
        self.register_buffer("window", torch.hann_window(win_length), persistent=False)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        pad = (self.n_fft - self.hop_length) // 2
        padded = torch.nn.functional.pad(waveforms[:, None], (pad, pad), mode="reflect")[:, 0]
        spectrum = torch.stft(
            padded,
            self.n_fft,
            self.hop_length,
            self.win_length,
            self.window,
            center=False,
            return_complex=True,
        ).abs()
        return torch.log(torch.clamp(self.bands @ spectrum, min=self.floor)).transpose(1, 2)
