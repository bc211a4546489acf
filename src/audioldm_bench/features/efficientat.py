"""EfficientAT mn04, a small tagger of AudioSet (Schmid et al. 2023; [code] fschmid56/EfficientAT).

MobileNetV3-Large (Howard et al. 2019, Table 1) with 0.4 times its channels, on a log-mel
spectrogram. Modules are nested as in the published file, whose keys are their names.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from audioldm_bench.features.base import Features
from audioldm_bench.features.weights import load_published
from audioldm_bench.pretrained import device

SAMPLE_RATE = 32000
CLASSES = 527  # of AudioSet, in the order of its class_labels_indices.csv
EMBEDDING = 384
N_MELS = 128
F_MAX = 15000  # Hz, of the uppermost band's upper edge


class _Row(NamedTuple):
    """A block: depthwise kernel, channels within, of the gate (0: none) and out, stride."""

    kernel: int
    within: int
    gate: int
    out: int
    stride: int
    activation: type[nn.Module]


_STEM = 8
_ROWS = [
    _Row(3, 8, 0, 8, 1, nn.ReLU),
    _Row(3, 24, 0, 16, 2, nn.ReLU),
    _Row(3, 32, 0, 16, 1, nn.ReLU),
    _Row(5, 32, 8, 16, 2, nn.ReLU),
    _Row(5, 48, 16, 16, 1, nn.ReLU),
    _Row(5, 48, 16, 16, 1, nn.ReLU),
    _Row(3, 96, 0, 32, 2, nn.Hardswish),
    _Row(3, 80, 0, 32, 1, nn.Hardswish),
    _Row(3, 72, 0, 32, 1, nn.Hardswish),
    _Row(3, 72, 0, 32, 1, nn.Hardswish),
    _Row(3, 192, 48, 48, 1, nn.Hardswish),
    _Row(3, 272, 72, 48, 1, nn.Hardswish),
    _Row(5, 272, 72, 64, 2, nn.Hardswish),
    _Row(5, 384, 96, 64, 1, nn.Hardswish),
    _Row(5, 384, 96, 64, 1, nn.Hardswish),
]
_HIDDEN = 512  # of the classifier


def mel_bands(n_mels: int, n_fft: int, sample_rate: int, f_max: float) -> torch.Tensor:
    """Kaldi's mel bands from 0 Hz to `f_max`, float32 (n_mels, n_fft // 2 + 1).

    Triangles over mel = 1127 ln(1 + Hz / 700), where librosa's are over Hz; peaks of 1.
    """
    frequencies = torch.linspace(0, sample_rate / 2, n_fft // 2 + 1, dtype=torch.float64)
    mel = 1127 * torch.log1p(frequencies / 700)
    width = 1127 * math.log1p(f_max / 700) / (n_mels + 1)  # of half a triangle
    peaks = width * torch.arange(1, n_mels + 1, dtype=torch.float64)
    return (1 - (mel - peaks[:, None]).abs() / width).clamp(min=0).float()


class LogMel(nn.Module):
    """(B, T) at 32 kHz to (B, 128, 1 + (T - 1) // 320): log-mel power, shifted and scaled [code].

    T is at least 514, so that half a frame can be reflected at the ends.
    """

    n_fft, win_length, hop_length = 1024, 800, 320
    preemphasis = 0.97

    def __init__(self) -> None:
        super().__init__()
        bands = mel_bands(N_MELS, self.n_fft, SAMPLE_RATE, F_MAX)
        window = torch.hann_window(self.win_length, periodic=False)
        self.register_buffer("bands", bands, persistent=False)
        self.register_buffer("window", window, persistent=False)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        emphasised = waveforms[:, 1:] - self.preemphasis * waveforms[:, :-1]
        spectrum = torch.stft(
            emphasised,
            self.n_fft,
            self.hop_length,
            self.win_length,
            self.window,
            return_complex=True,
        )
        power = torch.view_as_real(spectrum).square().sum(dim=-1)
        return (torch.log(self.bands @ power + 1e-5) + 4.5) / 5


def _convolution(
    channels_in: int,
    channels_out: int,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    activation: type[nn.Module] | None = None,
) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(
            channels_in, channels_out, kernel, stride, kernel // 2, groups=groups, bias=False
        ),
        nn.BatchNorm2d(channels_out, eps=1e-3),
    ]
    return nn.Sequential(*layers, *([activation()] if activation else []))


class SqueezeExcitation(nn.Module):
    """Scales each channel by a gate in 0..1, computed from the means of all channels."""

    def __init__(self, channels: int, squeezed: int):
        super().__init__()
        self.fc1 = nn.Linear(channels, squeezed)
        self.fc2 = nn.Linear(squeezed, channels)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        gates = torch.sigmoid(self.fc2(torch.relu(self.fc1(maps.mean(dim=(2, 3))))))
        return maps * gates[:, :, None, None]


class InvertedResidual(nn.Module):
    """Widen, filter each channel by itself, gate, narrow; plus the input where shapes agree."""

    def __init__(self, channels: int, row: _Row):
        super().__init__()
        layers: list[nn.Module] = []
        if row.within != channels:
            layers.append(_convolution(channels, row.within, activation=row.activation))
        depthwise = {"stride": row.stride, "groups": row.within, "activation": row.activation}
        layers.append(_convolution(row.within, row.within, row.kernel, **depthwise))
        if row.gate:
            gates = nn.Sequential(SqueezeExcitation(row.within, row.gate))
            layers.append(nn.Sequential(OrderedDict(conc_se_layers=gates)))
        layers.append(_convolution(row.within, row.out))
        self.block = nn.Sequential(*layers)
        self.is_residual = row.stride == 1 and row.out == channels

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        filtered = self.block(maps)
        return maps + filtered if self.is_residual else filtered


class Mn04(nn.Module):
    """(B, 128, frames) of `LogMel` to embeddings (B, 384) and logits (B, 527).

    The embedding is the mean of the last maps over bands and frames, before the classifier's
    hidden layer: what the published code returns as its features.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [_convolution(1, _STEM, 3, 2, activation=nn.Hardswish)]
        channels = _STEM
        for row in _ROWS:
            layers.append(InvertedResidual(channels, row))
            channels = row.out
        layers.append(_convolution(channels, EMBEDDING, activation=nn.Hardswish))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(EMBEDDING, _HIDDEN),
            nn.Hardswish(),
            nn.Dropout(0.2),
            nn.Linear(_HIDDEN, CLASSES),
        )

    def forward(self, log_mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        embedding = self.classifier[:2](self.features(log_mel[:, None]))
        return embedding, self.classifier[2:](embedding)


class EfficientAtMn04:
    """embedding (B, 384): the pooled maps; logits (B, 527) before the sigmoid."""

    name = "efficientat_mn04"
    sample_rate = SAMPLE_RATE
    examples = False
    classifies = True

    def __init__(self, path: Path):
        self.device = device()
        self.log_mel = LogMel().to(self.device)
        self.network = Mn04()
        load_published(self.network, path)
        self.network.to(self.device).eval()

    @torch.inference_mode()
    def embed(self, waveforms: torch.Tensor) -> Features:
        """(B, T) at 32 kHz; T at least 514 (16 ms)."""
        embedding, logits = self.network(self.log_mel(waveforms.to(self.device)))
        return {"embedding": embedding.cpu(), "logits": logits.cpu()}
