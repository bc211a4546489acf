"""Every kind of bad audio: set aside with a reason, or scored and named; never a substitute."""

import os

import numpy as np
import pytest
import soundfile
from feature_world import RATE, run, save_small_cnn, sound, write_clips

from audioldm_bench import audio
from audioldm_bench.errors import UserError
from audioldm_bench.evaluation.pairs import pair_clips
from audioldm_bench.features.batches import Batches
from audioldm_bench.features.clips import find_clips, other_files, prepare_clip, read_folder
from audioldm_bench.store import Store


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return {"tagger": save_small_cnn(tmp_path_factory.mktemp("models") / "tagger", 6)}


def cut(path, share=0.5):
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])


def write_bad(folder):
    """One file of each kind; the reasons of those that cannot be used."""
    (folder / "text.wav").write_text("this is no sound")
    (folder / "nothing.wav").touch()
    audio.write(folder / "no-samples.wav", np.zeros(0, np.float32), RATE)
    for name, subtype in (("wav", None), ("flac", None), ("ogg", None), ("mp3", None)):
        path = folder / f"truncated-{name}.{name}"
        soundfile.write(path, sound(5, 4.0), RATE, subtype=subtype)
        cut(path)
    cut(folder / "clip03.wav", 20 / 32044)  # in its header
    some_nan = sound(6)
    some_nan[100] = np.nan
    soundfile.write(folder / "nan.wav", some_nan, RATE, subtype="FLOAT")
    soundfile.write(folder / "inf.wav", np.full(RATE, np.inf), RATE, subtype="FLOAT")
    audio.write(folder / "one-sample.wav", np.ones(1, np.float32), RATE)
    soundfile.write(folder / "odd-rate.wav", sound(7), 44101)
    (folder / "folder.wav").mkdir()
    (folder / "dangling.wav").symlink_to(folder / "absent")
    truncated = {f"truncated-{name}": "truncated: " for name in ("wav", "flac", "ogg", "mp3")}
    return truncated | {
        "text": "unreadable: Format not recognised",
        "nothing": "empty file",
        "no-samples": "empty",
        "clip03": "unreadable: ",
        "nan": "non-finite samples",
        "inf": "non-finite samples",
        "one-sample": "1 sample",
        "odd-rate": "sampling rate 44101 Hz",
        "folder": "unreadable: Is a directory",
        "dangling": "unreadable: No such file",
    }


def test_each_kind_is_set_aside_with_its_reason(weights, tmp_path):
    clips = write_clips(tmp_path / "clips", n=5)
    reasons = write_bad(clips)
    path = run(clips, weights, tmp_path, clips_per_part=4)["tagger"]
    with Store(path) as store:
        assert store.ids == ["clip00", "clip01", "clip02", "clip04"]
        assert set(store.rejected) == set(reasons)
        for clip_id, reason in reasons.items():
            assert store.rejected[clip_id].startswith(reason), clip_id
            assert str(tmp_path) not in store.rejected[clip_id], "the same bytes at every place"
        good = write_clips(tmp_path / "good", n=5)
        (good / "clip03.wav").unlink()
        with Store(run(good, weights, tmp_path / "fresh")["tagger"]) as alone:
            np.testing.assert_array_equal(store.flat("embedding"), alone.flat("embedding"))
    reference = run(write_clips(tmp_path / "r", seed=1, n=5), weights, tmp_path / "reference")
    ids, unpaired = pair_clips({"tagger": path}, reference)
    assert ids == ["clip00", "clip01", "clip02", "clip04"]
    assert set(unpaired["rejected_generated"]) == set(reasons)


def test_half_a_file_says_how_much_is_there(tmp_path):
    for kind in ("wav", "flac", "mp3"):
        path = tmp_path / f"a.{kind}"
        soundfile.write(path, sound(5, 4.0), RATE)
        prepare_clip(path, [RATE], nominal_duration=1.0, minimum_duration=1.0)
        cut(path)
        with pytest.raises(audio.AudioError, match=r"promises 4 s, [12]\.?\d* s are there"):
            prepare_clip(path, [RATE], nominal_duration=1.0, minimum_duration=1.0)


def test_silence_is_scored_and_named(weights, tmp_path):
    """It is what a system made; a constant is silence too, for its mean is subtracted."""
    clips = write_clips(tmp_path / "clips", n=2)
    audio.write(clips / "silence.wav", np.zeros(RATE, np.float32), RATE)
    audio.write(clips / "zzz.wav", np.full(2 * RATE, 0.5, np.float32), RATE)
    audio.write(clips / "quiet.wav", 1e-3 * sound(3), RATE)
    for _ in range(2):  # fresh, and from the rows of the first run
        with Store(run(clips, weights, tmp_path)["tagger"]) as store:
            assert len(store) == 5 and not store.rejected
            assert store.attrs["remarks"] == {"silent": ["silence", "zzz"]}
            assert np.isfinite(store.array("embedding")).all()


def test_eight_channels_and_192_khz_are_used(tmp_path):
    options = {"nominal_duration": 1.0, "minimum_duration": 1.0}
    left = 0.4 * np.sin(2 * np.pi * 440 * np.arange(192000) / 192000)
    noise = np.random.default_rng(0).uniform(-1, 1, (192000, 7))
    path = tmp_path / "a.wav"
    soundfile.write(path, np.column_stack([left, noise]), 192000, subtype="FLOAT")
    for rate, found in prepare_clip(path, [16000, 32000, 48000], **options).items():
        expected = 0.4 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
        np.testing.assert_allclose(found[200:-200], expected[200:-200], atol=2e-3)


def test_the_same_name_twice_is_an_error(tmp_path):
    for names in (("a.wav", "a.flac"), ("b.wav", "b.WAV")):
        for name in names:
            (tmp_path / name).touch()
        with pytest.raises(UserError, match=f"{names[1]}|{names[0]}") as error:
            find_clips(tmp_path)
        assert all(name in str(error.value) for name in names)
        for name in names:
            (tmp_path / name).unlink()


def test_other_files_are_listed(tmp_path):
    for name in ("a.wav", "b.Mp3", "clips.json", ".DS_Store", "c.aiff"):
        (tmp_path / name).touch()
    (tmp_path / "more").mkdir()
    assert list(find_clips(tmp_path)) == ["a", "b"]
    assert other_files(tmp_path) == ["c.aiff", "clips.json", "more/"]


def test_a_name_that_is_not_utf8_is_an_error(tmp_path):
    try:
        open(os.fsencode(tmp_path) + b"/bad\xff.wav", "w").close()
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    with pytest.raises(UserError, match="UTF-8"):
        find_clips(tmp_path)


def test_a_file_that_may_not_be_read_is_set_aside(weights, tmp_path, monkeypatch):
    clips = write_clips(tmp_path / "clips", n=3)
    (clips / "clip01.wav").chmod(0)
    if os.geteuid() == 0:  # root reads everything: what another user would be told
        _as_another_user(clips / "clip01.wav", monkeypatch)
    found = read_folder(clips)
    assert found.unreadable == {"clip01": "unreadable: Permission denied"}
    with Store(run(clips, weights, tmp_path)["tagger"]) as store:
        assert store.ids == ["clip00", "clip02"]
        assert store.rejected == {"clip01": "unreadable: Permission denied"}
        unread = store.attrs["clip_list_sha256"]
    monkeypatch.undo()
    (clips / "clip01.wav").chmod(0o600)
    with Store(run(clips, weights, tmp_path)["tagger"]) as store:
        assert len(store) == 3 and store.attrs["clip_list_sha256"] != unread


def _as_another_user(path, monkeypatch):
    import builtins

    real = builtins.open

    def refused(file, *args, **options):
        if str(file) == str(path):
            raise PermissionError(13, "Permission denied", str(file))
        return real(file, *args, **options)

    monkeypatch.setattr(builtins, "open", refused)


def test_a_folder_without_a_usable_clip_is_an_error(weights, tmp_path):
    clips = tmp_path / "clips"
    clips.mkdir()
    (clips / "text.wav").write_text("this is no sound")
    with pytest.raises(UserError, match=r"none of 1 clips can be used \(text: unreadable"):
        run(clips, weights, tmp_path)
    assert not (tmp_path / "tagger.h5").exists()


def test_a_clip_without_finite_features_is_set_aside():
    class Broken:
        name = "broken"

        def embed(self, waveforms):
            return {"embedding": waveforms[:, :2].log()}

    batches = Batches(Broken(), 4)
    for key, value in (("a", 1.0), ("b", -1.0), ("c", 2.0)):
        batches.add(key, np.full(4, value, np.float32))
    part = batches.finish()
    assert part.ids == ["a", "c"] and part.arrays["embedding"].shape == (2, 2)
    assert list(part.rejected) == ["b"] and "finite" in part.rejected["b"]
