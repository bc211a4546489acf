"""Floor, ceilings and other people's systems: on the road like any other."""

import csv
import json
import os
import shutil

import numpy as np
import pytest
import soundfile
from study import planned, run

S = "results/tiny"
E = f"{S}/systems/esc50"
BOUNDS = ("floor", "ceiling-noise", "ceiling-shuffled")
FOREIGN = {"systems": {"theirs": {"label": "Their model", "folders": {"esc50": "theirs"}}}}


def read(path):
    return json.loads(path.read_text())


# ----------------------------------------------------------------- bounds


def test_floor_and_ceilings_took_the_same_road(finished):
    real = set(read(finished / E / "real/clips.json")["clips"])
    scores = {bound: read(finished / E / bound / "metrics.json") for bound in BOUNDS}
    for bound, score in scores.items():
        about = read(finished / E / bound / "clips.json")
        assert set(about["clips"]) == real and score["n"] == len(real) == 16
        assert score["provenance"]["system"] == bound
        assert {path.stem for path in (finished / E / bound / "clips").glob("*.wav")} == real
        assert set(score["names"]) == set(scores["floor"]["names"])
    assert len({score["clip_list_sha256"] for score in scores.values()}) == 1
    # the same clips in other places: no metric that looks at the whole sees it
    shuffled = scores["ceiling-shuffled"]
    assert abs(shuffled["fd"]) < 1e-6 and abs(shuffled["fad"]) < 1e-6
    for metric in ("fd", "fad"):
        assert scores["ceiling-noise"][metric] > scores["floor"][metric] > 1e-6


def test_the_floor_holds_other_clips_of_the_same_classes(finished):
    with open(finished / S / "data/esc50/manifest.csv", newline="") as file:
        clips = {row["clip_id"]: row for row in csv.DictReader(file)}
    for bound, same in (("floor", True), ("ceiling-shuffled", False)):
        sources = read(finished / E / bound / "clips.json")["sources"]
        assert len(set(sources.values())) == 16
        for name, source in sources.items():
            assert name != source
            assert (clips[name]["label"] == clips[source]["label"]) == same
            assert (clips[source]["split"] == "evaluation") != same


def test_another_seed_makes_the_bounds_anew(finished):
    assert planned(finished, f"{E}/floor/clips.json") == {}
    jobs = planned(finished, f"{E}/floor/clips.json", changes={"seed": 1})
    assert jobs["make_bounds"] == 1


# ------------------------------------------------- other people's systems


def put_clips(study, folder):
    """The real clips as if another system had made them: as wav and flac, one of them spoilt."""
    folder.mkdir()
    real = sorted((study / E / "real/clips").glob("*.wav"))
    for number, path in enumerate(real[:-1]):
        if number % 2:
            shutil.copy(path, folder)
        else:
            samples, rate = soundfile.read(path, dtype="int16")
            soundfile.write(folder / f"{path.stem}.flac", samples, rate)
    (folder / real[1].name).write_text("a text that is called .wav")
    shutil.copy(real[0], folder / "of-another-set.wav")
    (folder / "README.md").write_text("how they were made")
    return [path.stem for path in real]


@pytest.fixture(scope="module")
def theirs(finished, tmp_path_factory):
    """A copy of the finished study with one foreign folder, and its benchmark table made anew."""
    study = tmp_path_factory.mktemp("foreign") / "study"
    shutil.copytree(finished, study, symlinks=True)
    real = put_clips(study, study / "theirs")
    jobs = planned(study, "all_tables", changes=FOREIGN)
    run(study, "all_tables", changes=FOREIGN)
    return study, real, jobs


def test_a_foreign_folder_makes_its_own_jobs_and_no_others(theirs):
    study, _, jobs = theirs
    its_own = {"import_system", "extract_features", "compute_metrics"}
    assert set(jobs) == its_own | {"compare_systems", "benchmark_table", "all_tables"}
    assert {jobs[rule] for rule in jobs} == {1}
    assert planned(study, "all_tables", changes=FOREIGN) == {}


def test_a_foreign_folder_is_scored_by_what_is_named_as_a_clip(theirs):
    study, real, _ = theirs
    about, score = read(study / E / "theirs/clips.json"), read(study / E / "theirs/metrics.json")
    assert about["label"] == "Their model" and about["n"] == 14
    assert about["missing"] == [real[-1]] and list(about["rejected"]) == [real[1]]
    assert about["extra"] == ["of-another-set.wav"] and about["ignored"] == ["README.md"]
    assert score["n"] == 14
    # they are the real clips
    assert abs(score["fd"]) < 1e-6 and abs(score["fad"]) < 1e-6 and abs(score["kl"]) < 1e-3
    for clip_id in about["clips"]:
        ours, wanted = (
            soundfile.read(study / E / system / f"clips/{clip_id}.wav")[0]
            for system in ("theirs", "real")
        )
        np.testing.assert_array_equal(ours, wanted)


def test_a_foreign_system_is_a_row_of_the_benchmark_table_on_the_same_clips(theirs):
    study, _, _ = theirs
    with open(study / S / "tables/benchmark.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    (row,) = (row for row in rows if row["system"] == "theirs")
    assert row["label"] == "Their model" and row["rank"] == "1" and row["kind"] == "system"
    systems = [row for row in rows if row["kind"] == "system"]
    assert len(systems) == 1 + 2 + 4
    assert {row["n"] for row in systems} == {"14"}
    assert len({row["clip_list_sha256"] for row in systems}) == 1
    assert "Their model" in (study / S / "tables/benchmark.md").read_text()


def test_a_changed_file_is_noticed_whatever_its_date(theirs):
    study, real, _ = theirs
    path = study / "theirs" / f"{real[3]}.wav"
    kept, date = path.read_bytes(), path.stat()
    try:
        soundfile.write(path, np.zeros(100), 16000)
        os.utime(path, ns=(0, 0))  # older than all that was made of it
        jobs = planned(study, "all_tables", changes=FOREIGN)
    finally:
        path.write_bytes(kept)
        os.utime(path, ns=(date.st_atime_ns, date.st_mtime_ns))
    assert jobs["import_system"] == jobs["extract_features"] == jobs["compute_metrics"] == 1
    assert not {"sample", "train", "make_bounds", "tables"} & set(jobs)
    assert planned(study, "all_tables", changes=FOREIGN) == {}


def test_odd_names_are_no_other_rules(tmp_path):
    names = ["none", "floor-2", "corrupted-noise-2", "baseline-text.v2", "scratch-audio-new"]
    (tmp_path / "theirs").mkdir()
    soundfile.write(tmp_path / "theirs/a.wav", np.zeros(100), 16000)
    changes = {"systems": {name: {"folders": {"esc50": "theirs"}} for name in names}}
    jobs = planned(tmp_path, *(f"{E}/{name}/clips.json" for name in names), changes=changes)
    assert jobs["import_system"] == len(names)
    assert not {"sample", "corrupt", "make_bounds"} & set(jobs)


def test_a_folder_that_is_not_there_is_refused_before_any_job(tmp_path):
    done = run(tmp_path, "all", changes=FOREIGN, check=False)
    assert done.returncode == 1
    assert '`systems.theirs.folders.esc50` is "theirs", where there is no folder' in done.stdout
    assert "Traceback" not in done.stdout and not (tmp_path / "results").exists()


def test_a_folder_without_the_datasets_names_ends_in_a_sentence(finished, tmp_path):
    """In the finished study's folder, which is left as it was: the job makes nothing."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    soundfile.write(folder / "output_1.wav", np.zeros(100), 16000)
    changes = {"systems": {"strangers": {"folders": {"esc50": str(folder)}}}}
    done = run(finished, f"{E}/strangers/clips.json", changes=changes, check=False)
    assert done.returncode == 1
    log = (finished / S / "logs/import_system/esc50-strangers.log").read_text()
    text = done.stdout + log
    assert "none of its 1 sound files is named as an evaluation clip of esc50" in text
    assert "output_1.wav" in text and "Traceback" not in text
    assert not (finished / E / "strangers/clips.json").exists()
