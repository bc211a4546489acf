"""Sounds of things: clocks, doors, bells, glass, shots, music; the functions are as in `voices`."""

from __future__ import annotations

import numpy as np

from audioldm_bench.synthetic import signals as s

Rng = np.random.Generator


def _ring(frequency: float, length: float, fall: float, rate: int) -> np.ndarray:
    n = s.count(length, rate)
    return s.tone(frequency, n, rate) * s.decay(n, rate, 0.0008, fall)


def clock_tick(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """Strictly regular thin ticks, tick and tock in turn, 2 to 4 a second."""
    pitch, period = s.log_uniform(voice, 1800, 5000), float(voice.choice([0.25, 0.3, 0.4, 0.5]))
    tock = voice.uniform(0.75, 0.95)
    out = s.silence(duration, rate)
    for i, start in enumerate(s.beats(rng, duration, period)):
        centre = pitch * (tock if i % 2 else 1.0)
        click = _ring(centre, 0.05, 0.007, rate) + 0.5 * _ring(1.53 * centre, 0.05, 0.004, rate)
        s.add(out, click, start, rate, rng.uniform(0.85, 1))
    return out


def keyboard_typing(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """Uneven runs of soft double clicks, press and release, with a small thud."""
    speed, hard = voice.uniform(4, 11), voice.uniform(700, 2000)
    n = s.count(0.03, rate)
    out = s.silence(duration, rate)
    for start in s.beats(rng, duration, 1 / speed, jitter=0.25):
        if rng.random() < 0.15:  # the hand rests
            continue
        press = s.noise(rng, n, rate, hard, 3.5 * hard) * s.decay(n, rate, 0.001, 0.005)
        gain = rng.uniform(0.5, 1)
        s.add(out, press + _ring(230, 0.03, 0.01, rate), start, rate, gain)
        s.add(out, press, start + rng.uniform(0.06, 0.09), rate, 0.4 * gain)
    if not out.any():
        s.add(
            out, s.noise(rng, n, rate, hard, 3.5 * hard) * s.decay(n, rate, 0.001, 0.005), 0, rate
        )
    return out


def door_wood_knock(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """Groups of 3 to 5 quick hollow knocks on wood."""
    pitch, gap = s.log_uniform(voice, 140, 600), voice.uniform(0.11, 0.28)
    knocks = int(voice.integers(3, 6))
    out = s.silence(duration, rate)
    for start in s.starts(rng, duration, knocks * gap, voice.uniform(0.4, 0.7), 2):
        for i in range(knocks):
            blow = _ring(pitch, 0.2, 0.03, rate) + 0.4 * _ring(2.7 * pitch, 0.2, 0.015, rate)
            s.add(out, blow, start + i * gap * rng.uniform(0.95, 1.05), rate, rng.uniform(0.75, 1))
    return out


def footsteps(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """Steps at a walking pace: a dull heel, then a scrape of the sole."""
    period, thud = voice.uniform(0.35, 0.75), voice.uniform(60, 160)
    low, n = s.log_uniform(voice, 300, 1500), s.count(0.14, rate)
    out = s.silence(duration, rate)
    for i, start in enumerate(s.beats(rng, duration, period, jitter=0.03)):
        gain = rng.uniform(0.8, 1) * (1.0 if i % 2 else 0.8)
        s.add(out, _ring(thud, 0.15, 0.035, rate), start, rate, gain)
        scrape = s.noise(rng, n, rate, low, 5 * low) * s.fade(n, n // 3, n // 2)
        s.add(out, scrape, start + 0.06, rate, 0.2 * gain)
    return out


def glass_breaking(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """A crash, then a thinning shower of ringing shards at 2.5 to 7.5 kHz."""
    length, shards = voice.uniform(0.35, 1.3), int(voice.integers(15, 70))
    out = s.silence(duration, rate)
    start = rng.uniform(0, max(0.0, duration - length))
    n = s.count(0.15, rate)
    s.add(out, s.noise(rng, n, rate, 1500, 9000) * s.decay(n, rate, 0.001, 0.03), start, rate, 0.5)
    for time in rng.exponential(length / 3, shards):
        shard = _ring(s.log_uniform(rng, 2500, 7500), 0.25, rng.uniform(0.02, 0.08), rate)
        s.add(out, shard, start + time, rate, rng.uniform(0.1, 0.7) * np.exp(-time / length))
    return out


def church_bells(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """Slow strokes of one or two bells: inharmonic partials that ring for seconds."""
    pitches = [s.log_uniform(voice, 230, 750)]
    if voice.random() < 0.5:
        pitches.append(pitches[0] * float(voice.choice([0.75, 0.8, 1.25, 1.33])))
    partials = [(0.5, 0.5, 2.0), (1.0, 0.8, 1.4), (1.2, 0.7, 0.9), (1.5, 0.3, 0.7)]
    partials += [(2.0, 0.9, 0.8), (2.67, 0.4, 0.4), (3.0, 0.4, 0.35), (4.1, 0.35, 0.25)]
    bells = [
        sum(g * _ring(p * r, min(3.0, duration), f, rate) for r, g, f in partials) for p in pitches
    ]
    out = s.silence(duration, rate)
    for i, start in enumerate(s.beats(rng, duration, voice.uniform(0.5, 1.6), jitter=0.02)):
        s.add(out, bells[i % len(bells)], start, rate, rng.uniform(0.8, 1))
    return out


def gun_shot(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """1 to 3 bangs: a broad crack at once, then a darkening rumble."""
    fall, n = voice.uniform(0.05, 0.25), s.count(0.9, rate)
    out = s.silence(duration, rate)
    for start in s.starts(rng, duration, 0.35, voice.uniform(0.1, 0.5), 3):
        crack = s.noise(rng, n, rate, 200, 9000) * s.decay(n, rate, 0.0005, 0.03)
        rumble = s.noise(rng, n, rate, 60, voice.uniform(500, 900)) * s.decay(n, rate, 0.002, fall)
        s.add(out, crack + 0.7 * rumble, start, rate, rng.uniform(0.8, 1))
    return out


def telephone(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """A bell telephone: two high tones struck 18 to 25 times a second, on and off."""
    pitch, trill = s.log_uniform(voice, 900, 2100), voice.uniform(18, 25)
    length, pause = voice.uniform(0.4, 1.4), voice.uniform(0.25, 0.8)
    out = s.silence(duration, rate)
    for start in s.beats(rng, duration, length + pause):
        n = s.count(length, rate)
        hammer = 0.55 + 0.45 * np.cos(2 * np.pi * trill * np.arange(n) / rate)
        bells = s.tone(pitch, n, rate) + s.tone(1.27 * pitch, n, rate)
        bells += 0.5 * s.tone(2.9 * pitch, n, rate)
        s.add(out, bells * hammer * s.fade(n, rate // 100, rate // 8), start, rate)
    return out


def clock_alarm(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """Electronic beeps: groups of 2 to 4 pure high beeps, strictly repeated."""
    pitch, beep = s.log_uniform(voice, 1500, 3600), voice.uniform(0.05, 0.14)
    group = int(voice.integers(2, 5))
    n = s.count(beep, rate)
    sound = s.buzz(np.full(n, pitch), rate, [1.0, 0.0, 0.4]) * s.fade(n, n // 12, n // 12)
    out = s.silence(duration, rate)
    for start in s.beats(rng, duration, group * 1.7 * beep + voice.uniform(0.2, 0.4)):
        for i in range(group):
            s.add(out, sound, start + i * 1.7 * beep, rate)
    return out


def street_music(rng: Rng, voice: Rng, duration: float, rate: int) -> np.ndarray:
    """A tune of plucked notes with a bass and a brushed beat."""
    beat, root = 60 / voice.uniform(90, 200), s.log_uniform(voice, 250, 560)
    scale = root * 2 ** (np.array([0, 2, 4, 7, 9, 12]) / 12)
    weights = voice.uniform(0.2, 1.0, 7) / np.arange(1, 8)
    n, hiss = s.count(1.5 * beat, rate), s.count(0.06, rate)
    out = s.silence(duration, rate)
    for i, start in enumerate(s.beats(rng, duration, beat)):
        note = s.buzz(np.full(n, rng.choice(scale)), rate, weights) * s.decay(
            n, rate, 0.01, 0.8 * beat
        )
        s.add(out, note, start, rate, 0.8)
        if i % 2 == 0:
            bass = s.buzz(np.full(n, root / 4), rate, [1.0, 0.6, 0.3])
            s.add(out, bass * s.decay(n, rate, 0.01, beat), start, rate, 0.5)
        brush = s.noise(rng, hiss, rate, 4000, 9000) * s.decay(hiss, rate, 0.001, 0.015)
        s.add(out, brush, start, rate, 0.12)
    return out
