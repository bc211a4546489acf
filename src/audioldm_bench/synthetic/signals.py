"""Building blocks of the synthetic sounds: noise, buzzes, envelopes, rhythms.

Signals are float32 arrays (n,); frequencies in Hz, times in s, `rate` in samples a second.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import fft

TABLE = 4096  # samples of one period in `buzz`


def count(duration: float, rate: int) -> int:
    """Samples of `duration` seconds, at least one."""
    return max(1, int(round(duration * rate)))


def silence(duration: float, rate: int) -> np.ndarray:
    return np.zeros(count(duration, rate), np.float32)


def unit(signal: np.ndarray) -> np.ndarray:
    """The signal with peak 1; silence stays silence."""
    peak = float(np.max(np.abs(signal), initial=0.0))
    return (signal / peak if peak > 0 else signal).astype(np.float32)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def noise(
    rng: np.random.Generator, n: int, rate: int, low: float, high: float, tilt: float = 0.0
) -> np.ndarray:
    """Gaussian noise of RMS 1 between `low` and `high` Hz (soft edges), `tilt` dB an octave."""
    size = fft.next_fast_len(n, real=True)
    frequency = np.maximum(fft.rfftfreq(size, 1 / rate), 1.0).astype(np.float32)
    gain = 1 / np.sqrt((1 + (low / frequency) ** 6) * (1 + (frequency / high) ** 6))
    if tilt:
        gain *= (frequency / np.sqrt(low * high)) ** (tilt / 6.02)
    spectrum = rng.standard_normal(2 * len(frequency), dtype=np.float32).view(np.complex64)
    signal = fft.irfft(spectrum * gain.astype(np.float32), size)[:n]
    return (signal / (np.sqrt(np.mean(signal**2)) + 1e-12)).astype(np.float32)


def buzz(frequency: np.ndarray, rate: int, weights: Sequence[float] | np.ndarray) -> np.ndarray:
    """A harmonic tone of peak 1 whose pitch follows `frequency` (n,); weights[k] of harmonic k+1.

    Harmonics that would pass the Nyquist frequency are left out.
    """
    number = np.arange(1, len(weights) + 1)
    kept = number * float(np.max(frequency)) < rate / 2
    kept[0] = True
    spectrum = np.zeros(TABLE // 2 + 1, np.complex64)
    spectrum[1 : len(weights) + 1] = -1j * np.asarray(weights) * kept
    table = unit(fft.irfft(spectrum, TABLE))
    phase = np.cumsum(np.asarray(frequency, np.float64)) / rate
    return table[((phase % 1.0) * TABLE).astype(np.int64)]


def tone(frequency: float, n: int, rate: int) -> np.ndarray:
    """A sine of fixed frequency, phase 0."""
    angle = (2 * np.pi * frequency / rate) * np.arange(n, dtype=np.float64)
    return np.sin(angle).astype(np.float32)


def formants(
    pitch: float, peaks: Sequence[tuple[float, float]], *, top: float = 8000.0, floor: float = 0.02
) -> np.ndarray:
    """Harmonic weights of a voice at `pitch`: resonances (Hz, gain) a quarter as wide as high."""
    frequency = pitch * np.arange(1, max(2, int(top / pitch)) + 1)
    weights = floor / np.arange(1, len(frequency) + 1)
    for centre, gain in peaks:
        weights = weights + gain * np.exp(-0.5 * ((frequency - centre) / (0.25 * centre)) ** 2)
    return weights


def decay(n: int, rate: int, attack: float, fall: float) -> np.ndarray:
    """Envelope: linear rise over `attack` s, then exponential with time constant `fall` s."""
    time = np.arange(n, dtype=np.float32) / rate
    return np.minimum(time / max(attack, 1e-4), 1) * np.exp(-time / fall)


def fade(n: int, rise: int, fall: int) -> np.ndarray:
    """Envelope of ones with sine-squared edges of `rise` and `fall` samples."""
    position = np.arange(n, dtype=np.float32)
    up = np.clip((position + 1) / max(rise, 1), 0, 1)
    down = np.clip((n - position) / max(fall, 1), 0, 1)
    return (np.sin(0.5 * np.pi * up) * np.sin(0.5 * np.pi * down)) ** 2


def curve(n: int, knots: Sequence[float] | np.ndarray) -> np.ndarray:
    """A line of n samples through equally spaced knots."""
    return np.interp(np.linspace(0, 1, n), np.linspace(0, 1, len(knots)), knots)


def wander(rng: np.random.Generator, n: int, rate: int, per_second: float) -> np.ndarray:
    """A random line within -1..1 that changes its mind `per_second` times a second."""
    knots = rng.uniform(-1, 1, int(n / rate * per_second) + 2)
    place = np.arange(n) * (per_second / rate) + rng.uniform(0, 1)
    return np.interp(place, np.arange(len(knots)), knots)


def add(out: np.ndarray, signal: np.ndarray, start: float, rate: int, gain: float = 1.0) -> None:
    """Add `signal` into `out` from `start` s; what passes the end is cut."""
    first = max(0, int(round(start * rate)))
    last = min(len(out), first + len(signal))
    if last > first:
        out[first:last] += gain * signal[: last - first]


def beats(
    rng: np.random.Generator, duration: float, period: float, *, jitter: float = 0.0
) -> np.ndarray:
    """Times (s) of a pulse with random start, within 0..duration; at least one."""
    start = rng.uniform(0, min(period, 0.3 * duration))
    times = np.arange(start, max(duration - 0.03, start + 1e-6), period)
    return np.clip(times + jitter * period * rng.standard_normal(len(times)), 0, duration)


def poisson(rng: np.random.Generator, duration: float, per_second: float) -> np.ndarray:
    """Random times (s) within 0..duration, at least one."""
    return rng.uniform(0, duration, max(1, rng.poisson(per_second * duration)))


def starts(
    rng: np.random.Generator, duration: float, length: float, pause: float, most: int
) -> list[float]:
    """Start times of 1 to `most` events of `length` s, about `pause` s apart, that fit."""
    fitting = 1 + int(max(0.0, duration - length) / (length + pause))
    number = int(rng.integers(1, min(most, fitting) + 1))
    used = number * length + (number - 1) * pause
    first = rng.uniform(0, max(0.0, duration - used))
    shift = rng.uniform(-0.2, 0.2, number) * pause
    shift[0] = 0.0
    return [first + i * (length + pause) + float(shift[i]) for i in range(number)]
