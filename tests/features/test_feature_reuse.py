"""Nothing is embedded twice: killed runs, changed folders, new backbones, the cache."""

import shutil

import numpy as np
import pytest
from feature_world import FORM, RATE, Counter, run, save_small_cnn, sound, write_clips

from audioldm_bench import audio
from audioldm_bench.errors import UserError
from audioldm_bench.features.cache import features_of
from audioldm_bench.store import Store


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {
        "tagger": save_small_cnn(folder / "tagger", 6),
        "embedder": save_small_cnn(folder / "embedder", 8, example=0.48),
    }


def assert_same_bytes(found, expected):
    assert set(found) == set(expected)
    for name, path in found.items():
        assert path.read_bytes() == expected[name].read_bytes(), name


def test_a_killed_run_goes_on_and_gives_the_same_bytes(weights, tmp_path, monkeypatch, capfd):
    clips = write_clips(tmp_path / "clips")
    undisturbed = run(clips, weights, tmp_path / "a", clips_per_part=4)
    counter = Counter(monkeypatch)
    counter.dies_at = "clip09"
    with pytest.raises(KeyboardInterrupt):
        run(clips, weights, tmp_path / "b", clips_per_part=4)
    assert not (tmp_path / "b" / "tagger.h5").exists()
    counter.clear()
    counter.dies_at = None
    resumed = run(clips, weights, tmp_path / "b", clips_per_part=4)
    assert counter.heard == ["clip08", "clip09", "clip10"], "whole parts are not embedded again"
    assert "continues: 8 clips are there" in capfd.readouterr().err
    assert_same_bytes(resumed, undisturbed)


def test_a_changed_folder_takes_up_what_a_killed_run_made(weights, tmp_path, monkeypatch):
    clips, counter = write_clips(tmp_path / "clips"), Counter(monkeypatch)
    counter.dies_at = "clip09"
    with pytest.raises(KeyboardInterrupt):
        run(clips, weights, tmp_path / "b", clips_per_part=4)
    counter.dies_at = None
    counter.clear()
    audio.write(clips / "clip00.wav", sound(77), RATE)
    found = run(clips, weights, tmp_path / "b", clips_per_part=8)
    assert counter.heard == ["clip00", "clip08", "clip09", "clip10"]
    assert_same_bytes(found, run(clips, weights, tmp_path / "fresh"))


def test_only_new_and_changed_clips_are_embedded(weights, tmp_path, monkeypatch):
    """And the bytes are those of a fresh run, though rows stand in other batches now."""
    clips, counter = write_clips(tmp_path / "clips"), Counter(monkeypatch)
    for path in run(clips, weights, tmp_path / "a").values():
        path.unlink()  # Snakemake deletes the outputs of a job before it runs again
    audio.write(clips / "appended.wav", sound(50), RATE)
    audio.write(clips / "clip03.wav", sound(51, 2.0), RATE)
    (clips / "clip05.wav").rename(clips / "another-name.wav")
    (clips / "clip06.wav").unlink()
    shutil.copy(clips / "clip07.wav", clips / "copy.wav")
    counter.clear()
    found = run(clips, weights, tmp_path / "a")
    assert counter.heard == ["appended", "clip03"]
    assert counter.shapes == dict.fromkeys(weights, [(4, 1.5 * RATE)])
    assert_same_bytes(found, run(clips, weights, tmp_path / "fresh"))
    with Store(found["tagger"]) as store:
        assert {"appended", "another-name", "copy"} < set(store.ids)
        np.testing.assert_array_equal(store.get("logits", "copy"), store.get("logits", "clip07"))
    counter.clear()
    run(clips, weights, tmp_path / "a")
    assert not counter.heard and not counter.shapes


def test_a_new_backbone_runs_alone_and_other_weights_or_lengths_start_over(
    weights, tmp_path, monkeypatch
):
    clips, counter = write_clips(tmp_path / "clips", n=5), Counter(monkeypatch)
    run(clips, {"tagger": weights["tagger"]}, tmp_path)
    counter.clear()
    both = run(clips, weights, tmp_path)
    assert list(counter.shapes) == ["embedder"] and len(counter.heard) == 5
    other = {"tagger": save_small_cnn(tmp_path / "other", 3), "embedder": weights["embedder"]}
    before = both["tagger"].read_bytes()
    counter.clear()
    assert run(clips, other, tmp_path)["tagger"].read_bytes() != before
    assert list(counter.shapes) == ["tagger"]
    counter.clear()
    run(clips, weights, tmp_path, nominal_duration=1.25)
    assert set(counter.shapes) == set(weights) and len(counter.heard) == 5
    places = [p for p in (tmp_path / "state").iterdir() if not p.name.startswith(".")]
    assert len(places) == 2, "rows of other weights and lengths do not pile up"


def test_the_state_takes_no_room_beside_the_files(weights, tmp_path):
    outputs = run(write_clips(tmp_path / "clips", n=5), weights, tmp_path)
    kept = sorted(p for p in (tmp_path / "state").rglob("*.h5"))
    assert len(kept) == 2
    assert {p.stat().st_ino for p in kept} == {p.stat().st_ino for p in outputs.values()}


def test_the_cache_knows_a_folder_and_its_clips(weights, tmp_path, monkeypatch):
    clips, counter = write_clips(tmp_path / "clips", n=6), Counter(monkeypatch)
    cache, options = tmp_path / "cache", {**FORM, "progress_every": 0.0}
    first = features_of(clips, weights, cache, **options)
    assert_same_bytes(first, run(clips, weights, tmp_path / "fresh"))
    counter.clear()
    assert features_of(clips, weights, cache, **options) == first
    moved = clips.rename(tmp_path / "moved")
    assert features_of(moved, weights, cache, **options) == first
    assert not counter.heard and not counter.shapes
    shutil.copytree(moved, tmp_path / "more")
    audio.write(tmp_path / "more" / "a-new-one.wav", sound(60), RATE)
    more = features_of(tmp_path / "more", weights, cache, **options)
    assert counter.heard == ["a-new-one"] and counter.shapes["tagger"] == [(4, 1.5 * RATE)]
    assert_same_bytes(more, run(tmp_path / "more", weights, tmp_path / "fresh2"))
    assert features_of(moved, weights, cache, **options) == first, "both folders are kept"
    assert not list(cache.rglob("part-*"))


def test_the_cache_leaves_other_files_alone_and_tells_a_broken_one(weights, tmp_path):
    clips, cache = write_clips(tmp_path / "clips", n=4), tmp_path / "cache"
    cache.mkdir()
    (cache / "mine.txt").write_text("keep")
    (cache / "folder").mkdir()
    tagger = {"tagger": weights["tagger"]}
    path = features_of(clips, tagger, cache)["tagger"]
    assert (cache / "mine.txt").exists() and (cache / "folder").exists()
    path.write_bytes(b"half")
    audio.write(clips / "new.wav", sound(61), RATE)
    with pytest.raises(UserError, match="not a feature file.*delete it"):
        features_of(clips, tagger, cache)
