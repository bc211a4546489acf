"""What audioldm_eval does with a pair of folders, step by step, for benchmarks/metrics.py.

Written anew from how its code at 8dc07ee proceeds; none of it is here. The networks are the
published definitions that this project depends on. As there: one file at a time; VGGish hears all
files of a folder from memory, with gradients on and its log-mel in numpy; Cnn14 decodes each file
again; Fréchet distances by the square root of a matrix. Features of a folder are kept, so that a
reference is embedded once. Left out: its loader's worker processes, which on two busy cores do not
help, and its progress bars.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scipy.linalg
import torch

from audioldm_bench import audio
from audioldm_bench.features.imports import import_submodule
from audioldm_bench.features.panns import build_cnn14
from audioldm_bench.features.vggish import build_vggish
from audioldm_bench.features.weights import load_published

RATE = 16000
EPSILON = 1e-6


def load_networks(cnn14: Path, vggish: Path) -> tuple[torch.nn.Module, torch.nn.Module]:
    """Cnn14 and VGGish without its last ReLU, from weights files."""
    first, second = build_cnn14(), build_vggish()
    load_published(first, cnn14, inside="model")
    load_published(second, vggish)
    second.embeddings = second.embeddings[:-1]
    return first.eval(), second.eval()


def embed(folder: Path, cnn14: torch.nn.Module, vggish: torch.nn.Module) -> dict[str, np.ndarray]:
    """ "vggish" (examples, 128), "2048" (N, 2048) and "logits" (N, 527), by sorted file names."""
    files = sorted(folder.iterdir())
    heard = [_read(path) for path in files]
    examples = [vggish(_examples(waveform)).detach().numpy() for waveform in heard]
    embeddings, logits = [], []
    for path in files:
        with torch.no_grad():
            embedding = cnn14(torch.from_numpy(_read(path))[None])["embedding"]
            embeddings.append(embedding)
            logits.append(cnn14.fc_audioset(embedding))
    return {
        "vggish": np.concatenate(examples),
        "2048": torch.cat(embeddings).numpy(),
        "logits": torch.cat(logits).numpy(),
    }


def _read(path: Path) -> np.ndarray:
    samples, rate = audio.read(path)
    samples = audio.resample(samples - samples.mean(), rate, RATE)
    return audio.fit(samples, max(len(samples), 2 * RATE))


def _examples(waveform: np.ndarray) -> torch.Tensor:
    mel = import_submodule("torchvggish", "mel_features")
    log_mel = mel.log_mel_spectrogram(
        waveform,
        audio_sample_rate=RATE,
        log_offset=0.01,
        window_length_secs=0.025,
        hop_length_secs=0.010,
        num_mel_bins=64,
        lower_edge_hertz=125,
        upper_edge_hertz=7500,
    )
    return torch.from_numpy(mel.frame(log_mel, 96, 96)).float()[:, None]


def metrics(generated: dict[str, np.ndarray], reference: dict[str, np.ndarray]) -> dict[str, float]:
    """fd, is, kl and fad of two folders with the same file names."""
    return {
        "fad": frechet(generated["vggish"], reference["vggish"]),
        "kl": _divergence(generated["logits"], reference["logits"]),
        "is": _inception(generated["logits"]),
        "fd": frechet(generated["2048"], reference["2048"]),
    }


def frechet(first: np.ndarray, second: np.ndarray) -> float:
    """Fréchet distance of Gaussians fitted to (N, D) and (M, D)."""
    covariances = [np.cov(rows, rowvar=False) for rows in (first, second)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1])
    if not np.isfinite(root).all():
        ridge = EPSILON * np.eye(len(root))
        root = scipy.linalg.sqrtm((covariances[0] + ridge) @ (covariances[1] + ridge))
    shift = first.mean(axis=0) - second.mean(axis=0)
    traces = [np.trace(covariance) for covariance in covariances]
    return float(shift @ shift + sum(traces) - 2 * np.trace(root.real))


def _divergence(generated: np.ndarray, reference: np.ndarray) -> float:
    p, q = (torch.from_numpy(rows).softmax(dim=1) for rows in (reference, generated))
    return float(torch.nn.functional.kl_div((q + EPSILON).log(), p, reduction="sum") / len(p))


def _inception(logits: np.ndarray, splits: int = 10, seed: int = 2020) -> float:
    order = np.random.RandomState(seed).permutation(len(logits))
    p = torch.from_numpy(logits)[order].double().softmax(dim=1)
    scores = []
    for number in range(splits):
        part = p[number * len(p) // splits : (number + 1) * len(p) // splits]
        divergence = part * (part.log() - part.mean(dim=0, keepdim=True).log())
        scores.append(float(divergence.sum(dim=1).mean().exp()))
    return float(np.mean(scores))
