"""VGGish, the backbone of FAD ([code] audioldm_eval; study.md: "Metrics")."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from audioldm_bench.features.base import Features
from audioldm_bench.features.imports import import_submodule
from audioldm_bench.features.weights import load_published
from audioldm_bench.pretrained import device

SAMPLE_RATE = 16000
# 96 frames of 25 ms every 10 ms make one example of 0.96 s.
EXAMPLE_SAMPLES = 15600


def build_vggish() -> torch.nn.Module:
    """The network without PCA, with random weights; its last ReLU is still there."""
    return import_submodule("torchvggish", "torchvggish")._vgg(postprocess=False)


def log_mel_examples(waveform: np.ndarray) -> np.ndarray:
    """(T,) at 16 kHz to (n, 96, 64) examples of 0.96 s without overlap, n at least 1.

    A clip under one example is padded with zeros to one; what remains after the last whole
    example is left out, as in the published code.
    """
    mel = import_submodule("torchvggish", "mel_features")
    params = import_submodule("torchvggish", "vggish_params")
    padded = np.pad(waveform, (0, max(0, EXAMPLE_SAMPLES - len(waveform))))
    frames = mel.log_mel_spectrogram(
        padded,
        audio_sample_rate=SAMPLE_RATE,
        log_offset=params.LOG_OFFSET,
        window_length_secs=params.STFT_WINDOW_LENGTH_SECONDS,
        hop_length_secs=params.STFT_HOP_LENGTH_SECONDS,
        num_mel_bins=params.NUM_MEL_BINS,
        lower_edge_hertz=params.MEL_MIN_HZ,
        upper_edge_hertz=params.MEL_MAX_HZ,
    )
    return mel.frame(frames, params.NUM_FRAMES, params.NUM_FRAMES).astype(np.float32)


class Vggish:
    """embedding: a list of (n, 128), one row a 0.96 s example; no PCA, last ReLU removed."""

    name = "vggish"
    sample_rate = SAMPLE_RATE
    examples = True
    classifies = False

    def __init__(self, path: Path):
        self.device = device()
        self.network = build_vggish()
        load_published(self.network, path)
        self.network.embeddings = self.network.embeddings[:-1]
        self.network.to(self.device).eval()

    @torch.inference_mode()
    def embed(self, waveforms: torch.Tensor) -> Features:
        """(B, T) at 16 kHz."""
        clips = [log_mel_examples(clip) for clip in waveforms.cpu().numpy()]
        stacked = torch.from_numpy(np.concatenate(clips))[:, None]
        rows = self.network(stacked.to(self.device)).cpu()
        return {"embedding": list(torch.split(rows, [len(clip) for clip in clips]))}
