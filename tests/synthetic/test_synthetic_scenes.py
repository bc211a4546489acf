"""Captions say what is heard, in the order in which it is heard."""

from collections import Counter

import numpy as np
import pytest

from audioldm_bench.synthetic.families import FAMILIES
from audioldm_bench.synthetic.scenes import Scene, captions, draw_scene, render_scene

RATE = 16000
ALARM, ENGINE = FAMILIES["clock_alarm"], FAMILIES["engine"]


def scenes(count, **chances):
    families = list(FAMILIES.values())
    for i in range(count):
        yield draw_scene(np.random.default_rng(i), families[i % len(families)], families, **chances)


def test_scenes_are_of_all_kinds_and_hold_the_wanted_family():
    families = list(FAMILIES.values())
    drawn = list(scenes(600, pairs=0.5, distant=0.2))
    assert all(families[i % len(families)] in scene.families for i, scene in enumerate(drawn))
    kinds = Counter(scene.kind for scene in drawn)
    assert 240 < kinds["while"] + kinds["then"] < 360
    assert kinds["while"] > 60
    assert 30 < kinds["distant"] < 90
    assert all(scene.second.steady for scene in drawn if scene.kind == "while")
    assert all(len(set(scene.families)) == len(scene.families) for scene in drawn)


def test_without_pairs_or_others_there_is_one_family():
    assert {scene.kind for scene in scenes(40, pairs=0.0)} == {"single"}
    assert draw_scene(np.random.default_rng(0), ALARM, [ALARM], pairs=1.0).kind == "single"


@pytest.mark.parametrize("kind", ["single", "distant", "while", "then"])
def test_captions_differ_and_name_each_family(kind):
    for first in FAMILIES.values():
        second = (
            None if kind in ("single", "distant") else (ENGINE if first is not ENGINE else ALARM)
        )
        scene = Scene(kind, first, second)
        sentences = captions(np.random.default_rng(0), scene, 5)
        assert len(set(sentences)) == 5
        for sentence in sentences:
            assert sentence[0].isupper()
            assert "{" not in sentence
            for family in scene.families:
                words = (*family.clauses, *family.phrases)
                assert any(word in sentence.lower() for word in words), sentence
            if kind == "distant":
                assert "distance" in sentence or "far away" in sentence


def place(sentence, family):
    text = sentence.lower()
    return min(text.find(w) for w in (*family.clauses, *family.phrases) if w in text)


def test_what_follows_is_said_and_heard_second():
    """The alarm beeps above 1 kHz, the engine hums below: see which half holds which."""
    for i, (first, second) in enumerate([(ALARM, ENGINE), (ENGINE, ALARM)] * 4):
        scene = Scene("then", first, second)
        for sentence in captions(np.random.default_rng(i), scene, 10):
            assert place(sentence, first) < place(sentence, second)
        sound = render_scene(scene, np.random.default_rng(i), 2.0, RATE)
        # The second sets in between 0.4 and 0.55 of the clip.
        start, end = sound[: int(0.4 * 2 * RATE)], sound[int(0.55 * 2 * RATE) :]
        low_first = share_below(start, 1000) > share_below(end, 1000)
        assert low_first == (first is ENGINE)


def share_below(sound, frequency):
    power = np.abs(np.fft.rfft(sound)) ** 2
    return power[: int(frequency * len(sound) / RATE)].sum() / power.sum()


def test_while_means_at_the_same_time():
    scene = Scene("while", ALARM, ENGINE)
    for i in range(5):
        sound = render_scene(scene, np.random.default_rng(i), 2.0, RATE)
        shares = [share_below(part, 1000) for part in np.array_split(sound, 40)]
        assert max(shares) > 0.7  # between the beeps the engine is heard
        assert min(shares) < max(shares) - 0.2  # in a beep the alarm is
        again = render_scene(scene, np.random.default_rng(i), 2.0, RATE)
        assert np.array_equal(sound, again)
        assert np.abs(sound).max() < 0.95


@pytest.mark.parametrize("sparse", ["clock_tick", "water_drops", "dog"])
def test_a_steady_background_hides_no_event(sparse):
    """In the band of the event, its loudest frame stands out of the median one."""
    scene = Scene("while", FAMILIES[sparse], FAMILIES["rain"])
    for i in range(5):
        sound = render_scene(scene, np.random.default_rng(i), 2.0, RATE)
        frames = np.lib.stride_tricks.sliding_window_view(sound, 256)[::128] * np.hanning(256)
        power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
        assert (power.max(0) / np.median(power, axis=0)).max() > 100  # rain alone: about 25
