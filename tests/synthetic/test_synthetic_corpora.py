"""The corpora are whole, true to the original layouts, and the same for the same seed."""

import csv
import wave

import numpy as np
import pytest

from audioldm_bench.errors import UserError
from audioldm_bench.files import folder_sha256
from audioldm_bench.synthetic import corpora
from audioldm_bench.synthetic.corpora import plan_corpus, write_corpus
from audioldm_bench.synthetic.families import FAMILIES

DURATION = 1.0
CLIPS = {
    "esc50": {"classes": ["dog", "rain", "siren"], "per_class": 11},
    "urbansound8k": {"classes": ["dog_bark", "gun_shot"], "per_class": 14},
    "audiocaps": {"classes": None, "train": 12, "validation": 3, "evaluation": 4},
    "audioset": {"classes": None, "train": 40, "evaluation": 32},
}


def make(root, layout, clips=None, duration=DURATION, seed=5):
    write_corpus(root, layout, clips=clips or CLIPS[layout], duration=duration, seed=seed)
    return root


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    return {layout: make(root / layout, layout) for layout in CLIPS}


def rows(path, skip=0, **options):
    with open(path, newline="", encoding="utf-8") as file:
        for _ in range(skip):
            next(file)
        return list(csv.DictReader(file, **options))


def sounds(root):
    return {path.relative_to(root).as_posix() for path in root.rglob("*.wav")}


def read(path):
    with wave.open(str(path)) as file:
        assert file.getsampwidth() == 2
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples.reshape(-1, file.getnchannels()), file.getframerate()


def test_esc50(world):
    root = world["esc50"]
    table = rows(root / "meta/esc50.csv")
    assert list(table[0]) == ["filename", "fold", "target", "category", "esc10", "src_file", "take"]
    assert {f"audio/{row['filename']}" for row in table} == sounds(root)
    folds, takes = {}, {}
    for row in table:
        name = f"{row['fold']}-{row['src_file']}-{row['take']}-{row['target']}.wav"
        assert row["filename"] == name
        assert FAMILIES[row["category"]].esc50 == (row["category"], int(row["target"]))
        assert row["esc10"] == str(row["category"] in ("dog", "rain"))
        folds.setdefault((row["category"], row["fold"]), []).append(name)
        takes.setdefault(row["src_file"], set()).add((row["fold"], row["category"], row["take"]))
    assert sorted(len(names) for names in folds.values()) == [2] * 12 + [3] * 3
    pairs = [group for group in takes.values() if len(group) == 2]
    assert pairs  # some recordings have two takes, in one fold and class
    assert all(len({(fold, name) for fold, name, _ in group}) == 1 for group in takes.values())
    assert all({take for *_, take in group} == {"A", "B"} for group in pairs)
    samples, rate = read(root / "audio" / table[0]["filename"])
    assert (samples.shape, rate) == ((44100, 1), 44100)


def test_urbansound8k(world):
    root = world["urbansound8k"]
    table = rows(root / "metadata/UrbanSound8K.csv")
    columns = "slice_file_name fsID start end salience fold classID class"
    assert list(table[0]) == columns.split()
    assert {f"audio/fold{row['fold']}/{row['slice_file_name']}" for row in table} == sounds(root)
    assert len({(row["fsID"], row["fold"]) for row in table}) == len({row["fsID"] for row in table})
    assert len({row["fsID"] for row in table}) < len(table)
    assert {row["salience"] for row in table} == {"1", "2"}
    rates, channels, lengths = set(), set(), []
    for row in table:
        source, class_id, occurrence, _ = row["slice_file_name"].removesuffix(".wav").split("-")
        assert (source, class_id, occurrence) == (row["fsID"], row["classID"], "0")
        samples, rate = read(root / f"audio/fold{row['fold']}/{row['slice_file_name']}")
        length = float(row["end"]) - float(row["start"])
        assert abs(len(samples) - length * rate) <= 1
        rates.add(rate)
        channels.add(samples.shape[1])
        lengths.append(length)
        if samples.shape[1] == 2:
            assert np.abs(samples[:, 0].astype(int) - samples[:, 1]).max() > 100
    assert len(rates) >= 3
    assert channels == {1, 2}
    assert 0.8 <= min(lengths) < max(lengths) <= DURATION + 1e-6


def test_audiocaps(world):
    root = world["audiocaps"]
    found, ids = set(), []
    for name, clips, each in (("train", 12, 1), ("val", 3, 5), ("test", 4, 5)):
        table = rows(root / f"{name}.csv")
        assert list(table[0]) == ["audiocap_id", "youtube_id", "start_time", "caption"]
        assert len(table) == clips * each
        captions = {}
        for row in table:
            captions.setdefault(row["youtube_id"], set()).add(row["caption"])
            assert int(row["start_time"]) % 10 == 0
        assert [len(texts) for texts in captions.values()] == [each] * clips
        found |= set(captions)
        ids += [row["audiocap_id"] for row in table]
    assert len(set(ids)) == len(ids)
    assert {f"audio/Y{name}.wav" for name in found} == sounds(root)
    assert len(found) == 19


def test_audioset(world):
    root = world["audioset"]
    classes = rows(root / "class_labels_indices.csv")
    assert [row["index"] for row in classes] == [str(i) for i in range(len(FAMILIES))]
    mids = {row["mid"]: row["display_name"] for row in classes}
    found, pairs, first = set(), 0, set()
    for name, number in (("balanced_train", 40), ("eval", 32)):
        path = root / f"{name}_segments.csv"
        lines = path.read_text().splitlines()
        assert [line[0] for line in lines[:4]] == ["#", "#", "#", lines[3][0]]
        assert lines[2] == "# YTID, start_seconds, end_seconds, positive_labels"
        assert f"num_ytids={number}," in lines[1]
        table = [line.split(", ", 3) for line in lines[3:]]
        assert len(table) == number
        for video, start, end, labels in table:
            assert float(end) - float(start) == pytest.approx(DURATION)
            names = [mids[mid] for mid in labels.strip('"').split(",")]
            assert len(set(names)) == len(names) in (1, 2)
            assert len(video) == 11
            found.add(video)
            first |= set(names)
            pairs += len(names) == 2
    assert {f"audio/Y{name}.wav" for name in found} == sounds(root)
    assert first == set(mids.values())  # all families are there
    assert 5 < pairs < 40
    assert any(name.startswith("-") for name in found)


@pytest.mark.parametrize("layout", CLIPS)
def test_sounds_are_neither_clipped_nor_silent(world, layout):
    for name in sounds(world[layout]):
        samples, _ = read(world[layout] / name)
        assert np.abs(samples.astype(float)).max(axis=0).min() / 32767 > 0.05, name
        assert np.abs(samples.astype(int)).max() < 0.96 * 32767, name


@pytest.mark.parametrize("layout", ["urbansound8k", "audiocaps"])
def test_a_seed_gives_the_same_bytes(world, tmp_path, layout):
    again = make(tmp_path / "again", layout)
    assert folder_sha256(again) == folder_sha256(world[layout])
    assert not [path for path in again.rglob("*") if path.name.startswith(".")]


SMALLER = {
    "esc50": {"classes": ["siren", "dog"], "per_class": 3},
    "urbansound8k": {"classes": ["gun_shot"], "per_class": 5},
    "audiocaps": {"classes": None, "train": 5, "validation": 0, "evaluation": 2},
    "audioset": {"classes": None, "train": 7, "evaluation": 3},
}


@pytest.mark.parametrize("layout", CLIPS)
def test_a_clip_does_not_depend_on_how_many_there_are(world, tmp_path, layout):
    smaller = make(tmp_path / "smaller", layout, SMALLER[layout])
    assert sounds(smaller) < sounds(world[layout])
    for name in sounds(smaller):
        assert (smaller / name).read_bytes() == (world[layout] / name).read_bytes()


def test_another_seed_gives_other_sounds(world, tmp_path):
    other = make(tmp_path / "other", "esc50", SMALLER["esc50"], seed=6)
    shared = sounds(other) & sounds(world["esc50"])
    assert shared
    for name in shared:
        assert (other / name).read_bytes() != (world["esc50"] / name).read_bytes()


def test_what_breaks_off_leaves_nothing_and_is_made_anew(tmp_path, monkeypatch):
    root, written = tmp_path / "corpus", []
    original = corpora._write_wav

    def fail_at_third(path, *rest):
        written.append(path)
        if len(written) == 3:
            raise KeyboardInterrupt
        original(path, *rest)

    monkeypatch.setattr(corpora, "_write_wav", fail_at_third)
    with pytest.raises(KeyboardInterrupt):
        make(root, "esc50", SMALLER["esc50"])
    assert not root.exists()
    monkeypatch.setattr(corpora, "_write_wav", original)
    make(root, "esc50", SMALLER["esc50"])
    assert len(sounds(root)) == 6
    make(root, "esc50", {"classes": ["siren"], "per_class": 2})  # takes the old one's place
    assert len(sounds(root)) == 2


@pytest.mark.parametrize(
    ("layout", "change", "word"),
    [
        ("esc50", {"per_class": 0}, "clips.per_class: 0"),
        ("esc50", {"per_class": True}, "clips.per_class"),
        ("esc50", {"per_class": 2.5}, "whole number"),
        ("esc50", {"train": 3}, "clips.train: esc50 has no such key"),
        ("esc50", {"classes": ["dragon"]}, "dragon"),
        ("audioset", {"train": -1}, "clips.train"),
        ("audiocaps", {"evaluation": 0}, "clips.evaluation"),
        ("urbansound8k", {"classes": ["cat"]}, "gun_shot"),
    ],
)
def test_bad_clips_are_refused(layout, change, word):
    with pytest.raises(UserError, match=word):
        plan_corpus(layout, clips={**CLIPS[layout], **change}, duration=1.0, seed=0)


@pytest.mark.parametrize("duration", [0.5, 61, float("nan"), "2", True])
def test_bad_durations_are_refused(duration):
    with pytest.raises(UserError, match="duration"):
        plan_corpus("esc50", clips=CLIPS["esc50"], duration=duration, seed=0)


def test_missing_keys_and_strange_layouts_are_refused(tmp_path):
    with pytest.raises(UserError, match="clips.per_class: missing"):
        plan_corpus("esc50", clips={"classes": None}, duration=1.0, seed=0)
    with pytest.raises(UserError, match="keys classes, per_class"):
        plan_corpus("esc50", clips=20, duration=1.0, seed=0)
    with pytest.raises(UserError, match="audioset"):
        make(tmp_path / "x", "fsd50k", {"per_class": 1})
    assert not list(tmp_path.iterdir())
