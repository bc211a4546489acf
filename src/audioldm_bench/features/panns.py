"""PANNs Cnn14, the backbone of FD, IS and KL ([code] audioldm_eval; study.md: "Metrics")."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from audioldm_bench.features.base import Features
from audioldm_bench.features.convolution import conv_relu
from audioldm_bench.features.imports import import_submodule
from audioldm_bench.features.weights import load_published
from audioldm_bench.pretrained import device

CLASSES = 527  # of AudioSet
FRONT_ENDS: dict[str, dict[str, int]] = {
    "panns_cnn14_16k": {  # `Cnn14_16k_mAP=0.438.pth` [code]
        "sample_rate": 16000,
        "window_size": 512,
        "hop_size": 160,
        "mel_bins": 64,
        "fmin": 50,
        "fmax": 8000,
    },
    "panns_cnn14_32k": {  # `Cnn14_mAP=0.431.pth` [code]
        "sample_rate": 32000,
        "window_size": 1024,
        "hop_size": 320,
        "mel_bins": 64,
        "fmin": 50,
        "fmax": 14000,
    },
}
_BLOCKS = 6  # of two convolutions; all but the last halve frames and bands


def build_cnn14(front_end: Mapping[str, int] = FRONT_ENDS["panns_cnn14_16k"]) -> nn.Module:
    """The published network with random weights, drawn from torch's global generator."""
    models = import_submodule("panns_inference", "models")
    return models.Cnn14(**front_end, classes_num=CLASSES)


class CpuCnn14(nn.Module):
    """What a published Cnn14 computes in evaluation mode, arranged for a CPU.

    (B, T) waveforms to embeddings (B, 2048) and logits (B, 527); T at least 0.31 s, so that five
    poolings leave one frame.
    """

    floor = 1e-10  # of the mel power, in the published network's logarithm

    def __init__(self, published: nn.Module):
        super().__init__()
        fourier = published.spectrogram_extractor.stft
        self.hop_length = fourier.hop_length
        # The row of 0 Hz, whose cosine is 1, is the window itself.
        self.register_buffer("window", fourier.conv_real.weight[0, 0].detach().clone())
        self.register_buffer("bands", published.logmel_extractor.melW.detach().clone())
        self.bn0 = published.bn0
        stages = []
        for number in range(1, _BLOCKS + 1):
            block = getattr(published, f"conv_block{number}")
            stages.append(conv_relu(block.conv1, block.bn1))
            stages.append(conv_relu(block.conv2, block.bn2, "mean" if number < _BLOCKS else None))
        self.wide, self.deep = nn.Sequential(*stages[:4]), nn.Sequential(*stages[4:])
        self.fc1, self.fc_audioset = published.fc1, published.fc_audioset

    def log_mel(self, waveforms: torch.Tensor) -> torch.Tensor:
        """(B, T) to (B, frames, 64), mel power in dB."""
        spectrum = torch.stft(
            waveforms, len(self.window), self.hop_length, window=self.window, return_complex=True
        )
        power = torch.view_as_real(spectrum).square().sum(dim=-1)
        return 10 * torch.log10((power.transpose(1, 2) @ self.bands).clamp(min=self.floor))

    def forward(self, waveforms: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        bands = self.bn0(self.log_mel(waveforms).transpose(1, 2)[..., None])
        images = bands.permute(0, 3, 2, 1)  # (B, 1, frames, 64)
        # The first maps are large: clip by clip they stay in the cache, and the memory flat.
        maps = self.deep(torch.cat([self.wide(image[None]) for image in images]))
        maps = maps.mean(dim=3)
        embedding = torch.relu(self.fc1(maps.amax(dim=2) + maps.mean(dim=2)))
        return embedding, self.fc_audioset(embedding)


class _Published(nn.Module):
    """The published network as it is, with the logits that it keeps to itself."""

    def __init__(self, published: nn.Module):
        super().__init__()
        self.published = published

    def forward(self, waveforms: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        embedding = self.published(waveforms)["embedding"]
        return embedding, self.published.fc_audioset(embedding)


class PannsCnn14:
    """embedding (B, 2048) = relu(fc1); logits (B, 527) before the sigmoid."""

    examples = False
    classifies = True

    def __init__(self, path: Path, name: str = "panns_cnn14_16k"):
        self.name = name
        self.sample_rate = FRONT_ENDS[name]["sample_rate"]
        published = build_cnn14(FRONT_ENDS[name])
        load_published(published, path, inside="model")
        self.device = device()
        arranged = CpuCnn14 if self.device.type == "cpu" else _Published
        self.network = arranged(published.eval()).to(self.device).eval().requires_grad_(False)

    @torch.inference_mode()
    def embed(self, waveforms: torch.Tensor) -> Features:
        """(B, T) at `sample_rate`; T at least 0.31 s."""
        embedding, logits = self.network(waveforms.to(self.device))
        return {"embedding": embedding.cpu(), "logits": logits.cpu()}
