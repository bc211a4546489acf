"""Sounds of weather, water and fire; the functions are as in `voices`."""

from __future__ import annotations

import numpy as np

from audioldm_bench.synthetic import signals as s

Rng = np.random.Generator


def rain(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """A steady bright hiss with many small drops in it."""
    n = s.count(duration, rate)
    out = s.noise(rng, n, rate, s.log_uniform(voice, 300, 2500), 12000, voice.uniform(-4, 2)) * 0.25
    drop = s.noise(voice, s.count(0.02, rate), rate, 2500, 7000)
    drop *= s.decay(len(drop), rate, 0.0005, 0.004)
    for start in s.poisson(rng, duration, voice.uniform(5, 90)):
        s.add(out, drop, start, rate, rng.uniform(0.1, 0.5))
    return out


def sea_waves(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """Surf: noise that swells slowly, growing brighter, and runs out."""
    n = s.count(duration, rate)
    period, phase = voice.uniform(1.0, 3.0), rng.uniform(0, 1)
    cycle = (np.arange(n) / (rate * period) + phase) % 1.0
    swell = np.where(cycle < 0.4, cycle / 0.4, (1 - cycle) / 0.6) ** 2
    low = s.noise(rng, n, rate, 80, voice.uniform(400, 700))
    high = s.noise(rng, n, rate, 500, voice.uniform(3000, 6000), -2)
    return (low * (0.15 + 0.5 * swell) + high * (0.02 + swell**1.5)).astype(np.float32)


def wind(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """A howl: a narrow band of noise whose pitch and strength wander, over a low roar."""
    n = s.count(duration, rate)
    pitch = s.log_uniform(voice, 250, 1000) * 2 ** (0.7 * s.wander(rng, n, rate, 1.5))
    width = voice.uniform(15, 80)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    # Two slow noises on a gliding carrier: a band whose centre glides.
    slow = [s.noise(rng, n, rate, 1, width) for _ in range(2)]
    howl = slow[0] * np.cos(phase) - slow[1] * np.sin(phase)
    gust = 0.55 + 0.45 * s.wander(rng, n, rate, 2)
    roar = s.noise(rng, n, rate, 40, voice.uniform(150, 300))
    return (howl * gust + 0.4 * roar).astype(np.float32)


def crackling_fire(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """Sparse sharp snaps of very different strength over a soft low roar."""
    n = s.count(duration, rate)
    out = s.noise(rng, n, rate, 50, voice.uniform(200, 500)) * voice.uniform(0.02, 0.06)
    for start in s.poisson(rng, duration, voice.uniform(4, 30)):
        size = s.count(0.015, rate)
        snap = s.noise(rng, size, rate, rng.uniform(800, 3000), 9000)
        snap *= s.decay(size, rate, 0.0003, rng.uniform(0.001, 0.004))
        s.add(out, snap, start, rate, 0.08 + 0.9 * rng.random() ** 3)
    return out


def water_drops(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """Drips: short pure plops whose pitch runs up, a few a second."""
    pitch, period = s.log_uniform(voice, 400, 1600), voice.uniform(0.18, 0.9)
    rise = voice.uniform(1.2, 2.4)
    out = s.silence(duration, rate)
    for start in s.beats(rng, duration, period, jitter=0.12):
        n = s.count(0.16, rate)
        path = pitch * rng.uniform(0.85, 1.2) * s.curve(n, [1.0, rise, rise * 1.1])
        s.add(out, s.buzz(path, rate, [1.0, 0.08]) * s.decay(n, rate, 0.004, 0.035), start, rate)
    return out
