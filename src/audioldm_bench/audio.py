"""Reading, resampling, levelling and writing waveforms (study.md: "Signal front end")."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path

import numpy as np


class AudioError(Exception):
    """A clip that cannot be used; the message is the reason, without the file's name."""


def read(path: Path, start: float | None = None, end: float | None = None):
    """First channel of a sound file, as float32 (T,), and its sampling rate in Hz.

    `start` and `end` cut, in s. Raises AudioError when there is no usable sound in it.
    """
    import soundfile

    try:
        with soundfile.SoundFile(str(path)) as file:
            rate = file.samplerate
            if start:
                file.seek(min(round(start * rate), file.frames))
            frames = -1 if end is None else max(0, round(end * rate) - file.tell())
            samples = file.read(frames, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        text = str(error).rstrip(".")
        raise AudioError(f"unreadable: {text}; convert it to wav, flac, ogg or mp3") from None
    if samples.size == 0:
        raise AudioError("empty")
    first = np.ascontiguousarray(samples[:, 0])
    if not np.isfinite(first).all():
        raise AudioError("non-finite samples")
    return first, rate


@lru_cache(maxsize=32)
def _sinc_kernel(rate_in: int, rate_out: int, width: int, rolloff: float):
    """Polyphase windowed-sinc kernels (rate_out, taps), float32, and their half width.

    In single precision throughout, as torchaudio.functional.resample has them [code]: its own
    rounding is what differs by up to 1.4e-5 from exact kernels, and is part of the parity.
    """
    import torch

    cutoff = min(rate_in, rate_out) * rolloff
    half = math.ceil(width * rate_in / cutoff)
    taps = torch.arange(-half, half + rate_in, dtype=torch.float32) / rate_in
    phase = -torch.arange(rate_out, dtype=torch.float32)[:, None] / rate_out
    time = ((phase + taps) * cutoff).clamp(-width, width)
    window = torch.cos(time * math.pi / width / 2) ** 2
    angle = time * math.pi
    sinc = torch.where(angle == 0, 1.0, torch.sin(angle) / angle)
    return sinc * (window * (cutoff / rate_in)), half


def resample(x: np.ndarray, rate_in: int, rate_out: int) -> np.ndarray:
    """Windowed-sinc resampling (Hann window, width 6, rolloff 0.99) of (..., T) float32.

    The resampler moves FD (study.md), so this one is used everywhere. ceil(T * out / in) samples.
    """
    if rate_in == rate_out:
        return np.ascontiguousarray(x, dtype=np.float32)
    import torch

    divisor = math.gcd(int(rate_in), int(rate_out))
    source, target = int(rate_in) // divisor, int(rate_out) // divisor
    kernel, half = _sinc_kernel(source, target, 6, 0.99)
    signal = torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32)).reshape(-1, 1, x.shape[-1])
    signal = torch.nn.functional.pad(signal, (half, half + source))
    out = torch.nn.functional.conv1d(signal, kernel[:, None], stride=source)
    out = out.transpose(1, 2).reshape(*x.shape[:-1], -1)
    return out[..., : math.ceil(target * x.shape[-1] / source)].numpy().copy()


def normalise(x: np.ndarray) -> np.ndarray:
    """Minus the mean, divided by max |x|, times 0.5: AudioLDM's training level. (..., T)."""
    centred = x - x.mean(axis=-1, keepdims=True)
    peak = np.abs(centred).max(axis=-1, keepdims=True)
    return (centred / (peak + 1e-8) * 0.5).astype(np.float32)


def fit(x: np.ndarray, n_samples: int) -> np.ndarray:
    """The first `n_samples` of (T,), zeros at the end where it is shorter."""
    if len(x) >= n_samples:
        return x[:n_samples]
    return np.pad(x, (0, n_samples - len(x)))


def write(path: Path, x: np.ndarray, rate: int) -> None:
    """(T,) in -1..1 to a mono PCM16 wav file, clipped to that range."""
    import soundfile

    soundfile.write(str(path), np.clip(x, -1.0, 1.0), int(rate), format="WAV", subtype="PCM_16")
