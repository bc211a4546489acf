"""Manifests and the resampled store of small datasets."""

import re
import sys
from subprocess import run

import numpy as np
import pytest
import soundfile

from audioldm_bench import store
from audioldm_bench.audio import resample
from audioldm_bench.datasets import prepare
from audioldm_bench.datasets.absent import count_clips
from audioldm_bench.datasets.manifest import (
    Clip,
    clips_of,
    read_manifest,
    read_missing,
    write_manifest,
    write_missing,
)
from audioldm_bench.errors import UserError

AUDIO = {"sample_rate": 16000, "duration": 2.0, "resampler": "sinc_hann"}
SPLIT = {
    "kind": "official",
    "evaluation": 0,
    "validation": 0,
    "evaluation_folds": [],
    "stratify": False,
}
CONFIG = {"adapter": "table", "split": SPLIT, "shards": 2, "evaluation_list": None}


def noise(seconds, rate=16000, channels=1, seed=0):
    draw = np.random.default_rng(seed).standard_normal((int(seconds * rate), channels))
    return (0.1 * draw).astype(np.float32)


@pytest.fixture
def root(tmp_path):
    """Six clips in a user's table, one of them not there."""
    folder = tmp_path / "my sounds"
    folder.mkdir()
    rows = ["file,caption,label,split"]
    for number in range(6):
        split = "train" if number < 4 else "test"
        rows.append(f"clip {number}.wav,caption {number},Dog,{split}")
        if number != 2:
            soundfile.write(folder / f"clip {number}.wav", noise(0.3, seed=number), 16000)
    (folder / "metadata.csv").write_text("\n".join(rows))
    return folder


def make(root, tmp_path, **changes):
    paths = {"manifest_path": tmp_path / "m.csv", "missing_path": tmp_path / "missing.csv"}
    return prepare.make_manifest(root, CONFIG | changes, dataset="mine", seed=0, **paths)


def test_manifest_round_trip_and_missing(root, tmp_path):
    write_missing(root / "missing.csv", [("clip_2", "clip 2.wav", "", "Private video")])
    told = make(root, tmp_path)
    assert told == {"train": 3, "validation": 0, "evaluation": 2, "missing": 1, "left_out": 0}
    assert read_missing(tmp_path / "missing.csv") == {"clip_2": "Private video"}
    clips = read_manifest(tmp_path / "m.csv")
    assert [clip.clip_id for clip in clips] == [f"clip_{n}" for n in (0, 1, 3, 4, 5)]
    assert [clip.shard for clip in clips] == [0, 0, 0, 1, 1]
    before = (tmp_path / "m.csv").read_bytes()
    write_manifest(tmp_path / "m.csv", clips)
    assert (tmp_path / "m.csv").read_bytes() == before
    assert [c.clip_id for c in clips_of(tmp_path / "m.csv", split="evaluation", shard=1)] == [
        "clip_4",
        "clip_5",
    ]


def test_manifests_that_cannot_be_made(root, tmp_path):
    with pytest.raises(UserError, match="mine.shards: 9"):
        make(root, tmp_path, shards=9)
    for number in (4, 5):
        (root / f"clip {number}.wav").unlink()
    with pytest.raises(UserError, match="no sound file of its evaluation split"):
        make(root, tmp_path)
    for path in root.glob("*.wav"):
        path.unlink()
    with pytest.raises(UserError, match="none of its 6 sound files is in .*clip 0.wav"):
        make(root, tmp_path)
    assert not (tmp_path / "m.csv").exists()


@pytest.mark.parametrize(
    "change, words",
    [
        (("clip_id,", "id,"), "`clip_id` is missing"),
        (("good", "a/b"), "line 2: clip_id 'a/b'"),
        ((",train,", ",training,"), "line 2: .*'training'"),
        ((",1.5,", ",soon,"), "line 2: .*soon"),
    ],
)
def test_a_manifest_that_was_tampered_with(tmp_path, change, words):
    path = tmp_path / "m.csv"
    write_manifest(path, [Clip("good", "a.wav", start=1.5, caption="x, y", split="train")])
    assert read_manifest(path)[0].start == 1.5
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(UserError, match=words):
        read_manifest(path)


def odd_clips(folder):
    """Clips of all kinds, and their manifest rows."""
    stereo = noise(1.0, 44100, 2)
    soundfile.write(folder / "stereo.wav", stereo, 44100, subtype="FLOAT")
    soundfile.write(folder / "long.flac", noise(5.0), 16000)
    soundfile.write(folder / "cut.wav", noise(1.0), 16000, subtype="FLOAT")
    soundfile.write(folder / "short.wav", noise(0.04), 16000)
    soundfile.write(folder / "silent.wav", np.zeros(8000), 16000)
    soundfile.write(folder / "empty.wav", np.zeros(0), 16000)
    soundfile.write(folder / "nan.wav", np.full(8000, np.nan), 16000, subtype="FLOAT")
    (folder / "broken.wav").write_bytes(b"RIFF no")
    names = ["stereo.wav", "long.flac", "cut.wav", "short.wav", "silent.wav", "empty.wav"]
    clips = [Clip(n.split(".")[0], n, split="train") for n in [*names, "nan.wav", "broken.wav"]]
    clips[2] = Clip("cut", "cut.wav", start=0.25, end=0.75, split="train")
    return clips, stereo


def build(tmp_path, folder, clips, seed=0, name="out.h5"):
    write_manifest(tmp_path / "m.csv", clips)
    prepare.resample_shard(
        tmp_path / "m.csv",
        folder,
        0,
        tmp_path / name,
        audio_config=AUDIO,
        seed=seed,
        state=tmp_path / f"state-{name}",
        clips_per_part=3,
    )
    return tmp_path / name


def test_resampled_store(tmp_path):
    clips, stereo = odd_clips(tmp_path)
    with store.Store(build(tmp_path, tmp_path, clips)) as made:
        assert made.ids == ["stereo", "long", "cut"]
        assert made.attrs["sample_rate"] == 16000
        expected = resample(stereo[:, 0], 44100, 16000)
        assert np.array_equal(made.get("waveform", "stereo"), expected)
        assert len(made.get("waveform", "long")) == 32000
        assert np.array_equal(made.get("waveform", "cut"), noise(1.0)[4000:12000, 0])
        reasons = made.rejected
    assert set(reasons) == {"short", "silent", "empty", "nan", "broken"}
    assert reasons["short"] == "shorter than 0.05 s" and reasons["silent"] == "silent"
    assert reasons["empty"] == "empty" and "non-finite" in reasons["nan"]
    assert str(tmp_path) not in reasons["broken"]
    assert re.fullmatch("unreadable: .*; convert it to wav, flac, ogg or mp3", reasons["broken"])


def test_long_clips_are_cut_by_seed_and_id_alone(tmp_path):
    clips, _ = odd_clips(tmp_path)
    first = build(tmp_path, tmp_path, clips, name="a.h5")
    again = build(tmp_path, tmp_path, clips[::-1], name="b.h5")
    other = build(tmp_path, tmp_path, clips, seed=1, name="c.h5")
    segments = [store.Store(path).get("waveform", "long") for path in (first, again, other)]
    assert np.array_equal(segments[0], segments[1])
    assert not np.array_equal(segments[0], segments[2])


def test_a_resample_that_broke_off_goes_on(tmp_path, monkeypatch):
    clips, _ = odd_clips(tmp_path)
    whole = build(tmp_path, tmp_path, clips, name="whole.h5").read_bytes()
    seen, real = [], prepare._waveform

    def breaking(root, clip, *rest):
        seen.append(clip.clip_id)
        if clip.clip_id == "empty" and seen.count("empty") == 1:
            raise KeyboardInterrupt
        return real(root, clip, *rest)

    monkeypatch.setattr(prepare, "_waveform", breaking)
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path, tmp_path, clips)
    assert not (tmp_path / "out.h5").exists()
    assert build(tmp_path, tmp_path, clips).read_bytes() == whole
    assert seen.count("stereo") == 1 and seen.count("empty") == 2


def test_files_that_vanish_or_are_all_unusable(tmp_path):
    clips, _ = odd_clips(tmp_path)
    with pytest.raises(UserError, match=r"none of 1 clips .*broken: unreadable"):
        build(tmp_path, tmp_path, clips[-1:])
    assert not (tmp_path / "out.h5").exists()
    (tmp_path / "stereo.wav").unlink()
    with pytest.raises(UserError, match="stereo.wav: this file is in the manifest and not there"):
        build(tmp_path, tmp_path, clips)
    write_manifest(tmp_path / "m.csv", clips)
    with pytest.raises(UserError, match="no clips in shard 4"):
        prepare.resample_shard(
            tmp_path / "m.csv",
            tmp_path,
            4,
            tmp_path / "x.h5",
            audio_config=AUDIO,
            seed=0,
            state=tmp_path / "s",
        )


def test_clips_named_missing_and_set_aside_are_counted(root, tmp_path):
    make(root, tmp_path, shards=1)  # "clip 2" of the training clips is not there
    (root / "clip 5.wav").write_bytes(b"no sound")
    (root / "clip 0.wav").write_bytes(b"no sound")
    shard = tmp_path / "0.h5"
    prepare.resample_shard(
        tmp_path / "m.csv", root, 0, shard, audio_config=AUDIO, seed=0, state=tmp_path / "s"
    )
    counts = count_clips(tmp_path / "m.csv", tmp_path / "missing.csv", [shard])
    assert (counts["train"].named, counts["train"].usable, counts["train"].missing) == (4, 2, 2)
    assert (counts["evaluation"].named, counts["evaluation"].missing) == (2, 1)
    assert counts["validation"].named == counts["validation"].missing == 0


def test_m4a_is_set_aside_with_the_cure(root, tmp_path):
    """A user's AudioCaps folder may hold it; libsndfile does not read it."""
    table = root / "metadata.csv"
    table.write_text(table.read_text().replace("clip 2.wav", "clip 2.m4a"))
    (root / "clip 2.m4a").write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom")
    make(root, tmp_path, shards=1)
    shard = tmp_path / "0.h5"
    prepare.resample_shard(
        tmp_path / "m.csv", root, 0, shard, audio_config=AUDIO, seed=0, state=tmp_path / "s"
    )
    with store.Store(shard) as made:
        assert made.rejected["clip_2"].endswith("convert it to wav, flac, ogg or mp3")


def test_manifests_need_no_torch():
    code = "import sys, audioldm_bench.datasets.prepare, audioldm_bench.datasets.youtube;"
    done = run([sys.executable, "-c", code + "sys.exit('torch' in sys.modules)"], timeout=60)
    assert done.returncode == 0
