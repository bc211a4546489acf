"""From a family to a recording: level, distance, room and a faint background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft, signal

from audioldm_bench.synthetic import signals as s
from audioldm_bench.synthetic.families import FAMILIES

Rng = np.random.Generator


@dataclass(frozen=True)
class Place:
    """Where and with what a recording was made."""

    reverberation: float  # s to -60 dB
    wetness: float  # share of the echo
    background: float  # RMS over the peak of the sound
    background_tilt: float  # dB an octave
    tilt: float  # of the microphone, dB an octave
    cutoff: float  # Hz, first order
    peak: float  # of the finished clip


def draw_place(rng: Rng, *, distant: bool = False) -> Place:
    """A random place. A distant sound is weaker, duller, with more room and background."""
    return Place(
        reverberation=rng.uniform(0.06, 0.5),
        wetness=rng.uniform(0.0, 0.4) + 0.25 * distant,
        background=10 ** ((rng.uniform(-60, -32) + 6 * distant) / 20),
        background_tilt=rng.uniform(-6, 0),
        tilt=rng.uniform(-3, 3),
        cutoff=s.log_uniform(rng, 3000, 16000) * (0.4 if distant else 1.0),
        peak=10 ** ((rng.uniform(-9, -1) - 8 * distant) / 20),
    )


def reverberate(rng: Rng, sound: np.ndarray, place: Place, rate: int) -> np.ndarray:
    """The sound plus its echo from an exponentially decaying diffuse room; same length."""
    n = s.count(place.reverberation, rate)
    fall = np.exp(-6.9 * np.arange(n) / n)  # -60 dB at the reverberation time
    echo = s.noise(rng, n, rate, 100, 5000, -2) * fall
    echo /= np.sqrt(np.sum(echo**2)) + 1e-12
    wet = signal.oaconvolve(sound, echo.astype(np.float32))[: len(sound)]
    return ((1 - place.wetness) * sound + place.wetness * wet).astype(np.float32)


def colour(sound: np.ndarray, place: Place, rate: int) -> np.ndarray:
    """The sound through the place's microphone: a tilt and a first-order loss above the cutoff."""
    size = fft.next_fast_len(len(sound), real=True)
    frequency = np.maximum(fft.rfftfreq(size, 1 / rate), 50.0).astype(np.float32)
    gain = (frequency / 1000) ** (place.tilt / 6.02) / np.sqrt(1 + (frequency / place.cutoff) ** 2)
    return fft.irfft(fft.rfft(sound, size) * gain, size)[: len(sound)].astype(np.float32)


def record(rng: Rng, sound: np.ndarray, place: Place, rate: int) -> np.ndarray:
    """A dry sound as recorded at a place: float32 of the same length, peak `place.peak`."""
    heard = s.unit(colour(reverberate(rng, s.unit(sound), place, rate), place, rate))
    heard += place.background * s.noise(rng, len(heard), rate, 60, 9000, place.background_tilt)
    return s.unit(heard) * np.float32(place.peak)


def dry(family: str, rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """The bare sound of a family, peak 1, with soft ends: (duration * rate,) float32."""
    sound = s.unit(FAMILIES[family].sound(rng, voice, duration, rate))
    edge = min(len(sound) // 8, rate // 50)
    return sound * s.fade(len(sound), rate // 500, edge).astype(np.float32)


def render(
    family: str,
    rng: Rng,
    duration: float,
    sample_rate: int,
    *,
    recording: Rng | None = None,
    distant: bool = False,
) -> np.ndarray:
    """One clip of a family: float32 (duration * sample_rate,) within -1..1.

    `recording` decides what two takes of one recording share (source, place); by default a
    recording of its own, drawn from `rng`, which decides the rest.
    """
    recording = recording or np.random.default_rng(rng.integers(1 << 63))
    place = draw_place(recording, distant=distant)
    sound = dry(family, rng, recording, duration, sample_rate)
    return record(rng, sound, place, sample_rate)
