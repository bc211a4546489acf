"""Sounds of animals and people.

Each function takes `rng` (what happens in this clip), `voice` (what belongs to the source, so that
two takes of one recording share it), the duration in s and the sample rate; it gives float32 (n,).
"""

from __future__ import annotations

import numpy as np

from audioldm_bench.synthetic import signals as s

Rng = np.random.Generator


def _bark(rng: Rng, pitch: float, length: float, rough: float, rate: int) -> np.ndarray:
    n = s.count(length, rate)
    contour = pitch * rng.uniform(0.94, 1.06) * s.curve(n, [0.75, 1.15, 1.0, 0.7])
    weights = s.formants(pitch, [(2.0 * pitch, 1.0), (4.5 * pitch, 0.5)], top=5000)
    tone = s.buzz(contour, rate, weights)
    breath = s.noise(rng, n, rate, 1.2 * pitch, 3500) * 0.3
    return (tone + rough * breath) * s.fade(n, n // 8, n // 2)


def dog(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """Barks: short rough bursts with a falling pitch, in groups."""
    pitch, length = s.log_uniform(voice, 220, 850), voice.uniform(0.08, 0.28)
    pause, rough = voice.uniform(0.12, 0.6), voice.uniform(0.3, 1.3)
    out = s.silence(duration, rate)
    for start in s.starts(rng, duration, length, pause, 5):
        s.add(out, _bark(rng, pitch, length, rough, rate), start, rate, rng.uniform(0.7, 1))
    return out


def cat(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """Meows: one long vowel that opens and closes, pitch up and down."""
    pitch, length = s.log_uniform(voice, 350, 900), voice.uniform(0.4, 1.2)
    out = s.silence(duration, rate)
    for start in s.starts(rng, duration, length, voice.uniform(0.3, 0.8), 2):
        n = s.count(length * rng.uniform(0.85, 1.1), rate)
        contour = pitch * s.curve(n, [0.85, 1.2, 1.25, 1.1, 0.75])
        closed = s.buzz(contour, rate, s.formants(pitch, [(pitch, 1.0)], top=2500))
        opened = s.buzz(contour, rate, s.formants(pitch, [(1500, 1.0), (3200, 0.5)]))
        mix = s.curve(n, [0.0, 0.8, 1.0, 0.5, 0.0])
        s.add(out, (closed * (1 - mix) + opened * mix) * s.fade(n, n // 5, n // 3), start, rate)
    return out


def rooster(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """A crow of four notes, the last one long, high and falling."""
    pitch, speed = s.log_uniform(voice, 450, 1000), voice.uniform(0.6, 1.3)
    notes = [(0.16, [1.0, 1.05]), (0.12, [1.15, 1.2]), (0.2, [1.3, 1.35]), (0.75, [1.5, 1.5, 0.95])]
    length = sum(part for part, _ in notes) * speed + 0.12
    weights = s.formants(pitch, [(1.2 * pitch, 0.8), (2600, 1.0), (4800, 0.4)])
    out = s.silence(duration, rate)
    for start in s.starts(rng, duration, length, 0.5, 2):
        place = start
        for part, contour in notes:
            n = s.count(part * speed, rate)
            bend = pitch * rng.uniform(0.97, 1.03) * s.curve(n, contour)
            s.add(out, s.buzz(bend, rate, weights) * s.fade(n, n // 8, n // 4), place, rate)
            place += part * speed + 0.04
    return out


def chirping_birds(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """Phrases of quick high whistles, each sweeping up or down."""
    centre, span = s.log_uniform(voice, 2200, 5600), voice.uniform(0.05, 0.35)
    length, gap = voice.uniform(0.03, 0.14), voice.uniform(0.02, 0.1)
    sweep = [1 - span, 1 + span] if voice.random() < 0.5 else [1 + span, 1 - span]
    notes = int(voice.integers(2, 9))
    out = s.silence(duration, rate)
    for start in s.starts(rng, duration, notes * (length + gap), voice.uniform(0.2, 0.6), 4):
        for i in range(notes):
            n = s.count(length, rate)
            path = centre * rng.uniform(0.95, 1.05) * s.curve(n, sweep)
            note = s.buzz(path, rate, [1.0, 0.05]) * s.fade(n, n // 3, n // 3)
            s.add(out, note, start + i * (length + gap), rate, rng.uniform(0.6, 1))
    return out


def crying_baby(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """Wails: arcs of a bright trembling voice at a steady pace, with a gasp between."""
    pitch, period = s.log_uniform(voice, 280, 560), voice.uniform(0.6, 1.3)
    tremble, weights = (
        voice.uniform(6, 10),
        s.formants(pitch, [(1100, 1.0), (3300, 0.8)], floor=0.3),
    )
    out = s.silence(duration, rate)
    for start in s.beats(rng, duration, period, jitter=0.03):
        n = s.count(period * rng.uniform(0.6, 0.75), rate)
        shake = 1 + 0.04 * np.sin(2 * np.pi * tremble * np.arange(n) / rate)
        arc = (
            pitch * rng.uniform(0.95, 1.08) * s.curve(n, [0.85, 1.2, 1.25, 1.2, 1.1, 0.85]) * shake
        )
        s.add(out, s.buzz(arc, rate, weights) * s.fade(n, n // 6, n // 4), start, rate)
        gasp = s.noise(rng, n // 5, rate, 1500, 5000) * s.fade(n // 5, n // 10, n // 15)
        s.add(out, gasp, start + period * 0.8, rate, 0.06)
    return out


def children_playing(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """Many overlapping shouts of high voices over a murmur."""
    out = s.silence(duration, rate)
    n = len(out)
    murmur = s.noise(rng, n, rate, 500, 2500) * (1 + 0.6 * s.wander(rng, n, rate, 6))
    out += 0.08 * murmur.astype(np.float32)
    shouters = s.log_uniform(voice, 380, 520) * voice.uniform(0.8, 1.6, 4)
    for start in s.poisson(rng, max(0.3, duration - 0.2), voice.uniform(3, 9)):
        pitch = float(rng.choice(shouters))
        size = s.count(rng.uniform(0.1, 0.35), rate)
        path = pitch * s.curve(size, rng.uniform(0.75, 1.35, 3))
        weights = s.formants(pitch, [(rng.uniform(700, 1200), 1.0), (rng.uniform(1800, 3000), 0.5)])
        shout = s.buzz(path, rate, weights) * s.fade(size, size // 6, size // 3)
        s.add(out, shout, start, rate, rng.uniform(0.3, 1))
    return out


def clapping(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """Applause: a dense crowd of hand claps, each a short burst around 1 to 2 kHz."""
    hands = [s.log_uniform(voice, 600, 2800) for _ in range(6)]
    claps = [_clap(voice, centre, rate) for centre in hands]
    out = s.silence(duration, rate)
    for start in s.poisson(rng, duration, voice.uniform(12, 90)):
        s.add(out, claps[rng.integers(len(claps))], start, rate, rng.uniform(0.2, 1))
    return out


def _clap(rng: Rng, centre: float, rate: int) -> np.ndarray:
    n = s.count(0.05, rate)
    return s.noise(rng, n, rate, 0.6 * centre, 1.5 * centre) * s.decay(n, rate, 0.001, 0.01)
