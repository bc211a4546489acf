"""Weights and inputs of the parity tests, drawn from their names: gigabytes that nobody stores.

Only the raw bits of a counter-based bit generator are used, whose stream NumPy keeps for ever
(NEP 19); the distributions built on it may change.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch

SUBSET = 4096  # numbers of an output that are kept
SCALE_FACTOR = 0.7  # of the checkpoint's latents
RAW = "model.diffusion_model."  # keys of the weights that the average replaces


def _uniform(name: str, count: int) -> np.ndarray:
    """(count,) float32, uniform in +-sqrt(3): mean 0, variance 1."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "little")
    raw = np.random.Philox(key=key).random_raw((count + 1) // 2)
    bits = raw.astype("<u8", copy=False).view("<u4")[:count]
    numbers = (bits >> 8).astype(np.float32)  # 24 bits: exact
    numbers *= np.float32(2**-23)
    numbers -= np.float32(1)
    numbers *= np.float32(3**0.5)
    return numbers


def noise(name: str, *shape: int) -> torch.Tensor:
    """Nearly normal numbers of mean 0 and variance 1: sums of four uniform ones."""
    count = int(np.prod(shape))
    parts = _uniform(name, 4 * count).reshape(4, count).sum(axis=0, dtype=np.float64)
    return torch.from_numpy((parts / 2).astype(np.float32).reshape(shape))


def unit(name: str, *shape: int) -> torch.Tensor:
    """Vectors of unit length, as CLAP's embeddings are."""
    return torch.nn.functional.normalize(noise(name, *shape).double(), dim=-1).float()


def log_mel(name: str, *shape: int) -> torch.Tensor:
    """Numbers in the range of log-mel spectrograms."""
    return noise(name, *shape) * 2 - 5


def waveform(name: str, count: int) -> np.ndarray:
    """(count,) float32 within +-0.9: noise that swells and fades, over a tone that rises."""
    time = np.arange(count) / count
    swell = np.sin(np.pi * 3 * time) ** 2 + 0.01
    tone = 0.3 * np.sin(2 * np.pi * (40 + 0.02 * count * time) * time)
    sound = swell * (noise(name, count).numpy() * 0.15 + tone) + 0.02
    return np.clip(sound, -0.9, 0.9).astype(np.float32)


def weight(key: str, shape: tuple[int, ...]) -> torch.Tensor:
    """The tensor `key` of a checkpoint in the original layout.

    Scaled by its fan-in, so that activations keep their size; factors near 1, biases small;
    CLAP's running statistics are those of sounds in dB. The UNet's raw weights are zeros that take
    no room: only a code that takes the averaged ones gives the golden numbers.
    """
    if key.startswith(RAW):
        return torch.zeros(()).expand(shape)
    if key == "scale_factor":
        return torch.tensor(SCALE_FACTOR)
    if not shape:  # logit scales
        return torch.tensor(2.5)
    numbers = torch.from_numpy(_uniform(key, int(np.prod(shape)))).reshape(shape)
    if len(shape) > 1:
        return numbers.mul_(float(np.prod(shape[1:])) ** -0.5)
    if key.endswith("running_mean"):
        return numbers.mul_(10).sub_(40)
    if key.endswith("running_var"):
        return numbers.mul_(150).add_(400)
    return numbers.mul_(0.1).add_(1.0 if key.endswith("weight") else 0.0)


def positions(name: str, count: int) -> np.ndarray:
    """The places of a flattened output of `count` numbers that are kept, in a drawn order."""
    if count <= SUBSET:
        return np.arange(count)
    order = np.argsort(_uniform("places of " + name, count), kind="stable")
    return order[:SUBSET]


def record(name: str, output: torch.Tensor | np.ndarray) -> dict[str, np.ndarray]:
    """What a golden file keeps of an output: some of its numbers, its shape and its norm."""
    whole = np.asarray(output, dtype=np.float32)
    kept = whole.reshape(-1)[positions(name, whole.size)]
    norm = np.linalg.norm(whole.astype(np.float64))
    return {name: kept, f"{name}.shape": np.array(whole.shape, int), f"{name}.norm": norm}


def average_key(name: str) -> str:
    """The key of the average of a UNet's weight."""
    return "model_ema." + f"diffusion_model.{name}".replace(".", "")
