"""VGGish, the backbone of FAD ([code] audioldm_eval; study.md: "Metrics")."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import torch
from torch import nn

from audioldm_bench.features.base import Features
from audioldm_bench.features.convolution import conv_relu
from audioldm_bench.features.imports import import_submodule
from audioldm_bench.features.weights import load_published
from audioldm_bench.pretrained import device

SAMPLE_RATE = 16000
WINDOW, HOP, N_FFT = 400, 160, 512  # samples: frames of 25 ms every 10 ms
FRAMES = 96  # of an example
EXAMPLE_SAMPLES = 15600  # that those frames span
_AT_ONCE = 10  # examples whose first maps are held at once; they are the largest


def build_vggish() -> nn.Module:
    """The published network without PCA, with random weights; its last ReLU is still there."""
    return import_submodule("torchvggish", "torchvggish")._vgg(postprocess=False)


@cache
def _bands() -> torch.Tensor:
    """torchvggish's mel bands, (257, 64) in double precision."""
    params = import_submodule("torchvggish", "vggish_params")
    bands = import_submodule("torchvggish", "mel_features").spectrogram_to_mel_matrix(
        num_mel_bins=params.NUM_MEL_BINS,
        num_spectrogram_bins=N_FFT // 2 + 1,
        audio_sample_rate=SAMPLE_RATE,
        lower_edge_hertz=params.MEL_MIN_HZ,
        upper_edge_hertz=params.MEL_MAX_HZ,
    )
    return torch.from_numpy(bands)


def log_mel_examples(waveforms: torch.Tensor) -> torch.Tensor:
    """(B, T) at 16 kHz to (B, n, 96, 64) examples of 0.96 s without overlap, n at least 1.

    Clips under one example are padded with zeros to one; what remains after the last whole
    example is left out, as in the published code. In double precision, as there, to float32.
    """
    offset = import_submodule("torchvggish", "vggish_params").LOG_OFFSET
    missing = max(0, EXAMPLE_SAMPLES - waveforms.shape[1])
    padded = nn.functional.pad(waveforms.double(), (0, missing))
    frames = padded.unfold(1, WINDOW, HOP) * torch.hann_window(WINDOW, dtype=torch.float64)
    magnitude = torch.fft.rfft(frames, N_FFT).abs()
    log_mel = torch.log(magnitude @ _bands() + offset).float()
    count = log_mel.shape[1] // FRAMES
    return log_mel[:, : count * FRAMES].unflatten(1, (count, FRAMES))


class CpuVggish(nn.Module):
    """What a published VGGish computes, but for its last ReLU, arranged for a CPU.

    (N, 1, 96, 64) examples to embeddings (N, 128).
    """

    def __init__(self, published: nn.Module):
        super().__init__()
        self.features = nn.Sequential(*_stages(published.features))
        self.embeddings = published.embeddings[:-1]

    def forward(self, examples: torch.Tensor) -> torch.Tensor:
        maps = torch.cat([self.features(some) for some in examples.split(_AT_ONCE)])
        return self.embeddings(maps.permute(0, 2, 3, 1).flatten(1))


def _stages(features: nn.Sequential) -> Iterator[nn.Module]:
    """The published convolutions, each with the ReLU and the pooling that may follow it."""
    layers = [layer for layer in features if not isinstance(layer, nn.ReLU)]
    for layer, after in zip(layers, [*layers[1:], None], strict=True):
        if isinstance(layer, nn.Conv2d):
            yield conv_relu(layer, pool="max" if isinstance(after, nn.MaxPool2d) else None)


class Vggish:
    """embedding: a list of (n, 128), one row a 0.96 s example; no PCA, last ReLU removed."""

    name = "vggish"
    sample_rate = SAMPLE_RATE
    examples = True
    classifies = False

    def __init__(self, path: Path):
        self.device = device()
        published = build_vggish()
        load_published(published, path)
        if self.device.type == "cpu":
            network = CpuVggish(published)
        else:
            network, published.embeddings = published, published.embeddings[:-1]
        self.network = network.to(self.device).eval().requires_grad_(False)

    @torch.inference_mode()
    def embed(self, waveforms: torch.Tensor) -> Features:
        """(B, T) at 16 kHz."""
        examples = log_mel_examples(waveforms.cpu())
        rows = self.network(examples.flatten(0, 1)[:, None].to(self.device)).cpu()
        return {"embedding": list(rows.split(examples.shape[1]))}
