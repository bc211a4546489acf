"""Scenes of one or two families, and sentences that are true of them (AudioCaps' manner)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audioldm_bench.synthetic import signals as s
from audioldm_bench.synthetic.families import Family
from audioldm_bench.synthetic.sounds import draw_place, dry, record

Rng = np.random.Generator

SINGLE = ("{a}", "{a}", "the sound of {A}", "{A} can be heard")
DISTANT = ("{a} in the distance", "{a} far away", "the sound of {A} in the distance")
WHILE = ("{a} while {b}", "{a} as {b}", "{a} with {B} in the background", "{b} and {a}")
THEN = ("{a} and then {b}", "{a} followed by {B}", "{a}, then {b}", "first {a}, then {b}")


@dataclass(frozen=True)
class Scene:
    """kind: single | distant | while (`first` happens while `second` lasts) | then (in order)."""

    kind: str
    first: Family
    second: Family | None = None

    @property
    def families(self) -> list[Family]:
        return [self.first] + ([self.second] if self.second else [])


def draw_scene(
    rng: Rng, first: Family, families: list[Family], *, pairs: float, distant: float = 0.0
) -> Scene:
    """A scene with `first` in it; `pairs` and `distant`: chance of a second family, of distance.

    In a pair the other family is any of `families`; it takes the second place, or the first one
    of "followed by". "While" is said only of a steady second sound.
    """
    others = [family for family in families if family is not first]
    if others and rng.random() < pairs:
        other = others[rng.integers(len(others))]
        if other.steady and rng.random() < 0.5:
            return Scene("while", first, other)
        if first.steady and rng.random() < 0.5:
            return Scene("while", other, first)
        return Scene("then", first, other) if rng.random() < 0.5 else Scene("then", other, first)
    return Scene("distant" if rng.random() < distant else "single", first)


def captions(rng: Rng, scene: Scene, number: int) -> list[str]:
    """`number` sentences about the scene; they differ as long as the words allow."""
    templates = {"single": SINGLE, "distant": DISTANT, "while": WHILE, "then": THEN}[scene.kind]
    possible = dict.fromkeys(
        template.format(a=a, A=noun_a, b=b, B=noun_b)
        for template in templates
        for a in scene.first.clauses
        for noun_a in scene.first.phrases
        for b in (scene.second.clauses if scene.second else ("",))
        for noun_b in (scene.second.phrases if scene.second else ("",))
    )
    sentences = [text[0].upper() + text[1:] for text in possible]
    order = rng.permutation(len(sentences))
    return [sentences[order[i % len(order)]] for i in range(number)]


def boundary(scene: Scene, rng: Rng) -> float:
    """Share of the clip at which the second sound of a "then" scene sets in."""
    return float(rng.uniform(0.4, 0.55)) if scene.kind == "then" else 0.0


def render_scene(scene: Scene, rng: Rng, duration: float, sample_rate: int) -> np.ndarray:
    """The scene as one recording: float32 (duration * sample_rate,) within -1..1."""
    distant = scene.kind == "distant"
    place = draw_place(rng, distant=distant)
    turn = boundary(scene, rng) * duration
    lengths = {"then": (turn, duration - turn)}.get(scene.kind, (duration, duration))
    sounds = [
        dry(family.name, rng, rng, length, sample_rate)
        for family, length in zip(scene.families, lengths, strict=False)
    ]
    out = s.silence(duration, sample_rate)
    s.add(out, sounds[0], 0.0, sample_rate)
    if scene.second:
        behind = scene.kind == "while" and not scene.first.steady
        loudness = rng.uniform(-10, -4) if behind else rng.uniform(-3, 3)
        gain = 10 ** (loudness / 20) * (_balance(*sounds) if scene.kind == "while" else 1.0)
        s.add(out, sounds[1], turn, sample_rate, gain)
    return record(rng, out, place, sample_rate)


def _balance(first: np.ndarray, second: np.ndarray) -> float:
    """Gain of the second sound at which neither hides the other: a dense one under sparse clicks
    must be weaker than at equal peaks, and not as weak as at equal RMS."""
    rms = [float(np.sqrt(np.mean(sound**2))) + 1e-6 for sound in (first, second)]
    return (rms[0] / rms[1]) ** 0.6
