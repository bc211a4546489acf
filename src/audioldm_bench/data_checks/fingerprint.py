"""Whether two clips hold the same recording: a fingerprint to search with, a correlation to
confirm with.

The fingerprint is a coarse log-mel without each band's mean, so level and colouring drop out and
what is left is how the sound moves. Sounds of a kind move alike (sneezes: cosine 0.96), so the
search only proposes pairs; the correlation of the waveforms, over all shifts, decides. Measured on
ESC-10: docs/data-checks.md.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

BINS, BANDS = 32, 16  # of time, over the study's clip duration; of frequency
_WINDOW, _HOP = 512, 256  # samples at half the study's rate
_RANGE = 1e-5  # of power below the clip's loudest frame and band: 50 dB
_ONSET = 1e-4  # of power: silence before the first frame above it is skipped
_STILL = 0.05  # nat: a clip that moves less, rms, has no pattern to compare
_FEWEST = 8  # bins, a quarter of the study's duration: fewer are alike by chance
CONFIRM_RATE = 4000  # Hz: the waveforms are compared below 2 kHz
SHORTEST_OVERLAP = 0.5  # s


def halved(samples: np.ndarray, factor: int = 2) -> np.ndarray:
    """(T,) to (T // factor,): means of neighbours, a crude low-pass that is enough here."""
    kept = len(samples) // factor * factor
    return samples[:kept].reshape(-1, factor).mean(axis=1, dtype=np.float32)


@lru_cache(maxsize=4)
def _bands(rate: int) -> np.ndarray:
    import librosa.filters

    return librosa.filters.mel(sr=rate, n_fft=_WINDOW, n_mels=BANDS, fmin=50, fmax=rate / 2).T


def fingerprint(samples: np.ndarray, rate: int, duration: float) -> np.ndarray:
    """(T,) to (BINS, BANDS) float16, nat; `duration`: s that the BINS span. Bins of which
    the clip has less than half are 0."""
    from scipy.fft import rfft

    signal, rate = halved(samples), rate // 2
    if len(signal) < _WINDOW:
        signal = np.pad(signal, (0, _WINDOW - len(signal)))
    frames = np.lib.stride_tricks.sliding_window_view(signal, _WINDOW)[::_HOP]
    spectrum = rfft(frames * np.hanning(_WINDOW).astype(np.float32), axis=1)
    power = (spectrum.real**2 + spectrum.imag**2) @ _bands(rate)
    loudness = power.sum(axis=1)
    power = power[int(np.argmax(loudness > _ONSET * loudness.max())) :]
    levels = np.log(np.maximum(power, _RANGE * power.max() + 1e-20))
    edges = np.round(np.arange(BINS + 1) * duration * rate / _HOP / BINS).astype(int)
    out = np.zeros((BINS, BANDS), np.float32)
    filled = [
        levels[a:b].mean(axis=0)
        for a, b in zip(edges, np.maximum(edges[1:], edges[:-1] + 1), strict=False)
        if len(levels) >= (a + b) / 2
    ]
    if filled:
        out[: len(filled)] = np.stack(filled) - np.mean(filled, axis=0)
    return out.astype(np.float16)


def similarity(one: np.ndarray, other: np.ndarray, shifts: int = 0) -> np.ndarray:
    """(M, BINS, BANDS) and (N, BINS, BANDS) to (M, N): cosine of the bins that both have, the best
    over shifts of up to `shifts` bins to either side."""
    one, other = one.astype(np.float32), other.astype(np.float32)
    best = _cosine(one, other)
    for shift in range(1, shifts + 1):
        np.maximum(best, _cosine(one[:, shift:], other[:, :-shift]), out=best)
        np.maximum(best, _cosine(one[:, :-shift], other[:, shift:]), out=best)
    return best


def _cosine(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(M, bins, BANDS) and (N, bins, BANDS) to (M, N); less where nothing moves, 0 where fewer
    than _FEWEST bins are common."""
    filled = [rows.any(axis=2) for rows in (one, other)]
    if filled[0].all() and filled[1].all():
        return _unit(one) @ _unit(other).T
    masks = [mask.astype(np.float32) for mask in filled]
    common = masks[0] @ masks[1].T
    least = _STILL**2 * BANDS * np.maximum(common, 1)
    squares = np.maximum((one**2).sum(axis=2) @ masks[1].T, least)
    squares *= np.maximum(masks[0] @ (other**2).sum(axis=2).T, least)
    products = one.reshape(len(one), -1) @ other.reshape(len(other), -1).T
    return np.where(common >= _FEWEST, products / np.sqrt(squares), np.float32(0))


def _unit(rows: np.ndarray) -> np.ndarray:
    """(N, bins, BANDS) to (N, bins * BANDS) of length 1, or less where nothing moves."""
    flat = rows.reshape(len(rows), -1)
    least = _STILL * math.sqrt(flat.shape[1])
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), least)


def correlation(one: np.ndarray, other: np.ndarray, rate: int) -> float:
    """Largest absolute correlation of two (T,) waveforms over all shifts, of the part that both
    have; 0 when that is shorter than SHORTEST_OVERLAP. Blind to level and polarity."""
    from scipy.fft import irfft, next_fast_len, rfft

    factor = max(1, rate // CONFIRM_RATE)
    a, b = (halved(x, factor) for x in (one, other))
    a, b = a - a.mean(), b - b.mean()
    size = next_fast_len(len(a) + len(b), real=True)
    products = irfft(rfft(a, size) * np.conj(rfft(b, size)), size)
    shift = int(np.argmax(np.abs(products)))
    shift = shift if shift < len(a) else shift - size  # b starts `shift` samples after a
    a, b = a[max(0, shift) :], b[max(0, -shift) :]
    length = min(len(a), len(b))
    if length < SHORTEST_OVERLAP * rate / factor:
        return 0.0
    a, b = a[:length], b[:length]
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return abs(float(a @ b)) / norm if norm > 0 else 0.0
