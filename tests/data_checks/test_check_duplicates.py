"""Copies are found and sounds of a kind are not taken for copies; on real recordings too."""

import io
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audioldm_bench import audio
from audioldm_bench.data_checks import duplicates
from audioldm_bench.data_checks.fingerprint import BANDS, BINS, correlation, fingerprint, similarity
from audioldm_bench.store import Part, Store, write_store
from data_checks.check_world import DURATION, RATE, sound

ESC10 = Path(__file__).parents[2] / ".." / "shared" / "data" / "esc10"
REASON = f"{ESC10} is not there: no real recordings"
N_REAL = 60
SAME_FIRE = {"2-28314-A.ogg", "2-30322-A.ogg"}  # two names of one sound in ESC-10


def prints(sounds, duration=DURATION):
    return np.stack([fingerprint(x, RATE, duration) for x in sounds])


def encoded(x, **kind):
    file = io.BytesIO()
    soundfile.write(file, x, RATE, **kind)
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0]


def noisy(x, decibel):
    noise = np.random.default_rng(0).standard_normal(len(x)) * np.sqrt(np.mean(x**2))
    return (x + 10 ** (-decibel / 20) * noise).astype(np.float32)


CHANGES = {
    "level": lambda x: 0.05 * x,
    "polarity": lambda x: -x,
    "vorbis": lambda x: encoded(x, format="OGG", subtype="VORBIS"),
    "mp3": lambda x: encoded(x, format="MP3", subtype="MPEG_LAYER_III"),
    "resampled": lambda x: audio.resample(audio.resample(x, RATE, 11025), 11025, RATE),
    "noise": lambda x: noisy(x, 30),
    "clipped": lambda x: np.clip(4 * x, -0.5, 0.5),
    "coloured": lambda x: np.append(x[:1], x[1:] - 0.7 * x[:-1]),
    "later": lambda x: np.concatenate([np.zeros(RATE // 4, np.float32), x])[: len(x)],
    "cut": lambda x: x[: len(x) * 7 // 10],
}
FEWEST = {"later": 0.8, "cut": 0.8}  # share of real recordings; others 0.95


def alike(x, y, duration) -> bool:
    one, other = prints([x], duration), prints([y], duration)
    close = similarity(one, other, duplicates.SHIFTS)[0, 0] >= duplicates.COSINE
    return close and correlation(x, y, RATE) >= duplicates.CORRELATION


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_one(change):
    x = sound(3)
    assert alike(x, CHANGES[change](x).astype(np.float32), DURATION)


def test_other_sounds_are_not_copies():
    sounds = [sound(n) for n in range(12)]
    values = [correlation(x, y, RATE) for n, x in enumerate(sounds) for y in sounds[:n]]
    assert max(values) < 0.6 * duplicates.CORRELATION


def test_cuts_of_one_recording_are_found_by_shifting():
    long = sound(8, 4.0)
    one, other = long[: 2 * RATE], long[RATE // 2 : RATE // 2 + 2 * RATE]
    assert similarity(prints([one]), prints([other]))[0, 0] < duplicates.COSINE
    assert alike(one, other, DURATION)


def test_correlation_is_of_what_both_have():
    x = sound(4)
    assert correlation(x, x, RATE) == pytest.approx(1, abs=1e-5)
    assert correlation(x, x[12000:], RATE) == pytest.approx(1, abs=0.01)
    assert correlation(x[: RATE // 4], x, RATE) == 0  # shorter than can be told
    assert correlation(np.zeros(RATE, np.float32), x, RATE) == 0


def test_what_does_not_move_is_like_nothing():
    time = np.arange(2 * RATE) / RATE
    hums = [np.sin(2 * np.pi * pitch * time).astype(np.float32) for pitch in (440, 441)]
    assert similarity(*[prints([hum]) for hum in hums], duplicates.SHIFTS)[0, 0] < 0.8
    assert not np.isnan(prints([np.zeros(2 * RATE, np.float32), hums[0][:100]])).any()


def test_exact_groups():
    assert duplicates.exact_groups({"a": 1, "b": 2, "c": 1, "d": 1}) == [["a", "c", "d"]]


def world_store(path, sounds):
    part = Part([f"c{n}" for n in range(len(sounds))], {"waveform": list(sounds)})
    write_store(path, [part], {"sample_rate": RATE})
    return Store(path)


@pytest.mark.parametrize("block", [3, 1024])
def test_a_search_gives_each_pair_once_whatever_the_block(tmp_path, monkeypatch, block):
    sounds = [sound(n) for n in range(8)]
    sounds += [0.3 * sounds[1], 0.5 * sounds[6], 0.7 * sounds[1]]  # rows 8, 9, 10
    monkeypatch.setattr(duplicates, "_ROWS", block)
    rows = {"train": np.arange(7), "evaluation": np.arange(7, 11)}
    with world_store(tmp_path / "s.h5", sounds) as store:
        found = [
            duplicates.search(store, prints(sounds), rows, splits, exact)
            for splits in duplicates.split_pairs(["train", "evaluation"])
            for exact in [{frozenset(("c6", "c9"))}]
        ]
    leak, train, evaluation = ([{p.one, p.other} for p in search.pairs] for search in found)
    assert sorted(map(sorted, leak)) == [["c1", "c10"], ["c1", "c8"]]  # c6, c9 known as exact
    assert train == [] and evaluation == [{"c8", "c10"}]
    assert [search.compared for search in found] == [28, 21, 6]


def test_memory_does_not_grow_with_the_number_of_clips(tmp_path):
    """But for the proposed pairs themselves."""
    peaks = []
    draw = np.random.default_rng(0)
    for n in (3_000, 12_000):
        shape = (n + 500, BINS, BANDS)
        file = np.memmap(tmp_path / f"{n}.f16", np.float16, "w+", shape=shape)
        for row in range(0, n + 500, 500):
            file[row : row + 500] = draw.standard_normal((500, BINS, BANDS))
        one, other = np.arange(n), np.arange(n, n + 500)
        tracemalloc.start()
        assert list(duplicates._proposed(file, one, other, False, 0)) == []
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


@pytest.fixture(scope="module")
def recordings():
    if not ESC10.exists():
        pytest.skip(REASON)
    files = sorted(ESC10.glob("*/*.ogg"))
    chosen = files[:: len(files) // N_REAL] + [path for path in files if path.name in SAME_FIRE]
    sounds = {}
    for path in chosen:
        samples, rate = audio.read(path)
        sounds[path.name] = audio.resample(samples, rate, RATE)[: 5 * RATE]
    return sounds


@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_of_real_recordings_are_found(recordings, change):
    sounds = list(recordings.values())[::3]
    found = [alike(x, CHANGES[change](x).astype(np.float32), 5.0) for x in sounds]
    assert np.mean(found) >= FEWEST.get(change, 0.95)


def test_real_recordings_are_not_taken_for_copies(recordings, tmp_path):
    names, sounds = list(recordings), list(recordings.values())
    rows = {"train": np.arange(len(sounds))}
    with world_store(tmp_path / "s.h5", sounds) as store:
        search = duplicates.search(store, prints(sounds, 5.0), rows, ("train", "train"), set())
    pairs = [{names[int(pair.one[1:])], names[int(pair.other[1:])]} for pair in search.pairs]
    assert pairs == [SAME_FIRE]
    assert search.proposed > 5  # which the correlation then refused
