"""Reading, resampling, levelling and writing waveforms (study.md: "Signal front end")."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path

import numpy as np

from .truncation import AudioError, broken_off, refuse_truncated

_BLOCK = 1 << 14  # frames
_LARGEST_KERNEL = 1 << 24  # entries of 4 bytes


def read(path: Path, start: float | None = None, end: float | None = None):
    """First channel of a sound file, as float32 (T,), and its sampling rate in Hz.

    `start` and `end` cut, in s. Raises AudioError when there is no usable sound in it; a file that
    is read from end to end must be whole.
    """
    import soundfile

    _refuse_closed(path)
    try:
        with soundfile.SoundFile(str(path)) as file:
            rate = file.samplerate
            if start:
                file.seek(min(round(start * rate), file.frames))
            wanted = None if end is None else max(0, round(end * rate) - file.tell())
            first = _first_channel(file, wanted)
            if start is None and end is None:
                refuse_truncated(Path(path), file, len(first))
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        text = getattr(error, "error_string", str(error)).rstrip(". ")
        if not text or "does not exist" in text:  # what it says of a broken mp3
            text = "damaged"
        raise AudioError(f"unreadable: {text}; convert it to wav, flac, ogg or mp3") from None
    if first.size == 0:
        raise AudioError("empty")
    if not np.isfinite(first).all():
        raise AudioError("non-finite samples")
    return first, rate


def _refuse_closed(path: Path) -> None:
    """The system's own reason, which libsndfile does not pass on."""
    try:
        with open(path, "rb") as file:
            there = file.read(1)
    except OSError as error:
        raise AudioError(f"unreadable: {error.strerror}") from None
    if not there:
        raise AudioError("empty file")


def _first_channel(file, wanted: int | None) -> np.ndarray:
    """(T,) from where `file` stands: `wanted` frames, or all, however many the header says.

    Block by block: some flac and mp3 headers do not know how many there are.
    """
    import soundfile

    blocks, n_samples = [np.zeros(0, np.float32)], 0
    while wanted is None or n_samples < wanted:
        size = _BLOCK if wanted is None else min(_BLOCK, wanted - n_samples)
        try:
            block = file.read(size, dtype="float32", always_2d=True)[:, 0]
        except soundfile.LibsndfileError:
            raise AudioError(broken_off(n_samples, file.frames, file.samplerate)) from None
        if not len(block):
            break
        blocks.append(block.copy())
        n_samples += len(block)
    return np.concatenate(blocks)


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
    AudioError for rates whose kernels would fill the memory (44101 Hz).
    """
    if rate_in == rate_out:
        return np.ascontiguousarray(x, dtype=np.float32)
    import torch

    divisor = math.gcd(int(rate_in), int(rate_out))
    source, target = int(rate_in) // divisor, int(rate_out) // divisor
    if source * target > _LARGEST_KERNEL:
        raise AudioError(
            f"sampling rate {rate_in} Hz has no simple ratio to {rate_out}; convert it"
        )
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
