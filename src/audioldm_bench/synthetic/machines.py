"""Sounds of engines, tools, horns and sirens; the functions are as in `voices`."""

from __future__ import annotations

import numpy as np

from audioldm_bench.synthetic import signals as s

Rng = np.random.Generator


def engine(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """An engine that idles: a low unsteady pulse with a soft hum of harmonics below 1 kHz."""
    n = s.count(duration, rate)
    pitch = voice.uniform(25, 80) * (1 + 0.03 * s.wander(rng, n, rate, 3))
    number = np.arange(1, 40)
    weights = voice.uniform(0.3, 1.0, 39) * np.exp(-number / voice.uniform(3, 14))
    tone = s.buzz(pitch, rate, weights)
    return tone + 0.1 * np.abs(tone) * s.noise(rng, n, rate, 100, 900)


def helicopter(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """Rotor: dull thumps of noise, 8 to 18 a second, swelling slowly."""
    n = s.count(duration, rate)
    speed = voice.uniform(8, 18) * (1 + 0.02 * s.wander(rng, n, rate, 1))
    cycle = (np.cumsum(speed) / rate + rng.uniform(0, 1)) % 1.0
    thump = np.exp(-5 * cycle) * np.minimum(cycle / 0.04, 1)
    body = s.noise(rng, n, rate, 70, voice.uniform(400, 1800))
    swell = 0.8 + 0.2 * s.wander(rng, n, rate, 0.7)
    whine = 0.05 * s.tone(voice.uniform(900, 1600), n, rate)
    return (swell * (body * (0.08 + thump) + whine)).astype(np.float32)


def chainsaw(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """A harsh buzz rich to 6 kHz that revs up and down."""
    n = s.count(duration, rate)
    rev = 0.5 + 0.5 * s.wander(rng, n, rate, 1.8)
    pitch = voice.uniform(80, 190) * (1 + 0.7 * rev)
    weights = s.formants(130, [(600, 0.6), (voice.uniform(2000, 3200), 1.0)], top=6500, floor=0.5)
    rasp = s.noise(rng, n, rate, 1500, 7000) * 0.12
    return ((s.buzz(pitch, rate, weights) + rasp) * (0.5 + 0.5 * rev)).astype(np.float32)


def drilling(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """A drill: runs of a high motor whine that starts up, sags and stops, with grinding hiss."""
    pitch, length = s.log_uniform(voice, 400, 1100), voice.uniform(0.4, 1.6)
    weights = [0.8, 0.3, 1.0, 0.2, 0.4, 0.3]
    out = s.silence(duration, rate)
    for start in s.starts(rng, duration, min(length, duration), voice.uniform(0.2, 0.4), 3):
        n = s.count(length, rate)
        path = pitch * s.curve(n, [0.4, 1.1, 1.0, 0.93, 0.9, 0.9, 0.9, 0.9, 0.92, 0.5])
        grind = s.noise(rng, n, rate, 3000, 9000) * s.curve(n, [0.0, 0.2, 0.4, 0.4, 0.0])
        s.add(
            out,
            (s.buzz(path, rate, weights) + 0.5 * grind) * s.fade(n, n // 12, n // 8),
            start,
            rate,
        )
    return out


def jackhammer(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """Runs of hard bright blows, 9 to 22 a second."""
    speed, length = voice.uniform(9, 22), voice.uniform(0.5, 2.4)
    ring, n = voice.uniform(900, 2200), s.count(0.06, rate)
    out = s.silence(duration, rate)
    for start in s.starts(rng, duration, min(length, duration), 0.3, 3):
        for time in np.arange(0, length, 1 / speed):
            blow = s.noise(rng, n, rate, 300, 9000) * s.decay(n, rate, 0.001, 0.012)
            blow += 0.6 * s.tone(ring, n, rate) * s.decay(n, rate, 0.001, 0.018)
            s.add(out, blow, start + time + rng.normal(0, 0.002), rate, rng.uniform(0.75, 1))
    return out


def air_conditioner(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """A wholly steady rush of air below 1 to 4 kHz with the hum of the mains."""
    n = s.count(duration, rate)
    mains = float(voice.choice([100.0, 120.0]))
    hum = s.buzz(np.full(n, mains), rate, voice.uniform(0.1, 1.0, 4))
    rush = s.noise(rng, n, rate, 150, voice.uniform(900, 4000), voice.uniform(-5, -1))
    return voice.uniform(0.05, 0.6) * hum + 0.5 * rush


def siren(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """A wail, a yelp or two alternating tones, between 400 and 2,000 Hz."""
    n = s.count(duration, rate)
    low = s.log_uniform(voice, 420, 900)
    kind = voice.choice(["wail", "yelp", "two-tone"], p=[0.5, 0.2, 0.3])
    period = {"wail": voice.uniform(1.2, 2.4), "yelp": voice.uniform(0.3, 0.5)}.get(
        str(kind), voice.uniform(0.8, 1.3)
    )
    cycle = (np.arange(n) / (rate * period) + rng.uniform(0, 1)) % 1.0
    if kind == "two-tone":
        path = np.where(cycle < 0.5, low, low * voice.uniform(1.3, 1.45))
    else:
        path = low * voice.uniform(1.8, 2.3) ** (0.5 - 0.5 * np.cos(2 * np.pi * cycle))
    return s.buzz(path, rate, [1.0, 0.25, 0.35, 0.1, 0.1])


def car_horn(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """Honks: a steady bright chord of two tones with hard edges."""
    pitch, ratio = s.log_uniform(voice, 260, 560), voice.choice([1.2, 1.25, 1.33])
    length, n_weights = voice.uniform(0.12, 1.2), 14
    weights = 1 / np.arange(1, n_weights + 1) ** 0.6
    out = s.silence(duration, rate)
    for start in s.starts(rng, duration, length, voice.uniform(0.1, 0.35), 3):
        n = s.count(length * rng.uniform(0.6, 1), rate)
        chord = sum(s.buzz(np.full(n, f), rate, weights) for f in (pitch, pitch * ratio))
        s.add(out, chord * s.fade(n, rate // 80, rate // 50), start, rate)
    return out
