"""Another system's folder: names, formats, and what a user may have put there."""

import numpy as np
import pytest
import soundfile

from audioldm_bench import audio
from audioldm_bench.errors import UserError
from audioldm_bench.files import read_json, write_json
from audioldm_bench.systems.foreign import import_system

IDS = ["1-100-A-0", "YabcDEF-_123", "my_dog", "Yonly"]
SOUND = np.linspace(-0.5, 0.5, 800, dtype="f4")


@pytest.fixture
def world(tmp_path):
    write_json(tmp_path / "real.json", {"clips": IDS})
    (tmp_path / "theirs").mkdir()
    return tmp_path


def put(world, name, sound=SOUND, rate=16000, **how):
    soundfile.write(world / "theirs" / name, sound, rate, **how)


def take(world, **changes):
    arguments = {"system": "theirs", "label": None, "dataset": "pets"} | changes
    arguments |= {"state": world / "state", "progress_every": 1e9}
    inputs = [world / "theirs", world / "real.json"]
    import_system(*inputs, world / "out/clips", world / "out/clips.json", **arguments)
    return read_json(world / "out/clips.json")


def test_files_are_found_by_id_with_or_without_y_and_by_the_datasets_own_name(world, capsys):
    for name in ("1-100-A-0.wav", "abcDEF-_123.flac", "my dog.WAV", "YYonly.wav", "cat.wav"):
        put(world, name)
    (world / "theirs/README.md").write_text("how it was made")
    about = take(world, label="Their model")
    assert about["files"] == {
        "1-100-A-0": "1-100-A-0.wav",
        "YabcDEF-_123": "abcDEF-_123.flac",
        "my_dog": "my dog.WAV",
        "Yonly": "YYonly.wav",
    }
    assert about["clips"] == sorted(IDS) and about["n"] == 4 and about["missing"] == []
    assert about["extra"] == ["cat.wav"] and about["ignored"] == ["README.md"]
    assert about["system"] == "theirs" and about["label"] == "Their model"
    assert {path.name for path in (world / "out/clips").iterdir()} == {f"{i}.wav" for i in IDS}
    assert "4 of 4 clips, 1 not asked for" in capsys.readouterr().err


def test_wavs_are_copied_and_other_formats_keep_every_sample(world):
    rng = np.random.default_rng(0)
    stereo = 0.1 * rng.standard_normal((1000, 2)).astype("f4")
    put(world, "1-100-A-0.wav", stereo, 44100, subtype="PCM_24")
    put(world, "my_dog.flac", stereo[:, 0], 22050)
    put(world, "Yonly.ogg", stereo[:, 0], 16000)
    put(world, "abcDEF-_123.mp3", np.tile(stereo[:, 0], 5), 16000)
    about = take(world)
    assert about["n"] == 4
    for clip_id, name in about["files"].items():
        ours, theirs = world / "out/clips" / f"{clip_id}.wav", world / "theirs" / name
        heard, wanted = audio.read(ours), audio.read(theirs)
        assert heard[1] == wanted[1]
        np.testing.assert_array_equal(heard[0], wanted[0])
        if name.endswith(".wav"):
            assert ours.read_bytes() == theirs.read_bytes()


def test_what_cannot_be_used_is_set_aside_with_the_reason(world, capsys):
    put(world, "1-100-A-0.wav")
    (world / "theirs/my_dog.wav").write_text("this is no sound, it is a text\n" * 100)
    put(world, "Yonly.wav", np.array([0.1, np.nan, 0.2], "f4"), subtype="FLOAT")
    put(world, "abcDEF-_123.wav", np.zeros(0, "f4"))
    about = take(world)
    assert about["clips"] == ["1-100-A-0"] and about["n"] == 1
    assert set(about["rejected"]) == {"my_dog", "Yonly", "YabcDEF-_123"}
    assert "unreadable" in about["rejected"]["my_dog"]
    assert "empty" in about["rejected"]["YabcDEF-_123"]
    assert "non-finite" in about["rejected"]["Yonly"]
    assert [path.name for path in (world / "out/clips").iterdir()] == ["1-100-A-0.wav"]
    assert "3 set aside" in capsys.readouterr().err


def test_missing_clips_are_listed(world):
    put(world, "my_dog.wav")
    about = take(world)
    assert about["missing"] == ["1-100-A-0", "YabcDEF-_123", "Yonly"] and about["n"] == 1


def test_a_changed_file_is_taken_anew(world):
    put(world, "my_dog.wav")
    take(world)
    put(world, "my_dog.wav", -SOUND)
    take(world)
    heard, _ = audio.read(world / "out/clips/my_dog.wav")
    np.testing.assert_allclose(heard, -SOUND, atol=1e-4)


def nothing(world):
    (world / "theirs").rmdir()


def strangers(world):
    for number in range(5):
        put(world, f"output_{number}.wav")


def twins(world):
    put(world, "my_dog.wav")
    put(world, "my_dog.flac")


def two_for_one(world):
    put(world, "YabcDEF-_123.wav")
    put(world, "abcDEF-_123.wav")


def only_text(world):
    (world / "theirs/my_dog.wav").write_text("no sound")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (nothing, ["theirs: no such folder"]),
        (lambda world: None, ["theirs: no sound files"]),
        (
            strangers,
            ["none of its 5 sound files", "output_0.wav, output_1.wav", "1-100-A-0", "of pets"],
        ),
        (twins, ["my_dog.flac", "my_dog.wav", "remove one"]),
        (two_for_one, ["YabcDEF-_123.wav and abcDEF-_123.wav", "clip YabcDEF-_123"]),
        (only_text, ["no clip of 1 will do", "my_dog: unreadable"]),
    ],
)
def test_a_folder_that_cannot_be_scored_is_refused(world, spoil, words):
    spoil(world)
    with pytest.raises(UserError) as caught:
        take(world)
    assert all(word in str(caught.value) for word in words), caught.value
    assert not (world / "out").exists()
