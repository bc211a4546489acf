"""PANNs Cnn14, the backbone of FD, IS and KL ([code] audioldm_eval; study.md: "Metrics")."""

from __future__ import annotations

from pathlib import Path

import torch

from audioldm_bench.features.base import Features
from audioldm_bench.features.imports import import_submodule
from audioldm_bench.features.weights import load_published
from audioldm_bench.pretrained import device

CLASSES = 527  # of AudioSet
FRONT_END = {  # `Cnn14_16k_mAP=0.438.pth` [code]
    "sample_rate": 16000,
    "window_size": 512,
    "hop_size": 160,
    "mel_bins": 64,
    "fmin": 50,
    "fmax": 8000,
}


def build_cnn14() -> torch.nn.Module:
    """The network at 16 kHz with random weights, drawn from torch's global generator."""
    models = import_submodule("panns_inference", "models")
    return models.Cnn14(**FRONT_END, classes_num=CLASSES)


class PannsCnn14:
    """embedding (B, 2048) = relu(fc1); logits (B, 527) before the sigmoid."""

    name = "panns_cnn14_16k"
    sample_rate = 16000
    examples = False
    classifies = True

    def __init__(self, path: Path):
        self.device = device()
        self.network = build_cnn14()
        load_published(self.network, path, inside="model")
        self.network.to(self.device).eval()

    @torch.inference_mode()
    def embed(self, waveforms: torch.Tensor) -> Features:
        """(B, T) at 16 kHz; T at least 0.31 s, so that five poolings leave one frame."""
        embedding = self.network(waveforms.to(self.device))["embedding"]
        logits = self.network.fc_audioset(embedding)  # the network itself returns the sigmoid only
        return {"embedding": embedding.cpu(), "logits": logits.cpu()}
