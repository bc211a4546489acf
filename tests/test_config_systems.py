"""The config's check: `systems`, other people's folders."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import soundfile

from config_cases import DEFAULT, complaints, put


@pytest.fixture
def base(tmp_path):
    """A folder with their clips, in a place where all else that the default config needs is."""
    (tmp_path / "theirs").mkdir()
    soundfile.write(tmp_path / "theirs/a.wav", np.zeros(100), 16000)
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/README.md").write_text("no sound here")
    (tmp_path / "twins").mkdir()
    for ending in ("wav", "flac"):
        soundfile.write(tmp_path / f"twins/a.{ending}", np.zeros(100), 16000)
    (tmp_path / "results/paper/mine").mkdir(parents=True)
    soundfile.write(tmp_path / "results/paper/mine/a.wav", np.zeros(100), 16000)
    return tmp_path


def check(base, **systems):
    config = copy.deepcopy(DEFAULT)
    put(config, "systems", systems)
    return complaints(config, base)


def folders(**where):
    return {"folders": where}


def test_good_folders_pass(base):
    assert check(base) == []
    theirs = {"label": "Theirs", **folders(esc50="theirs", audioset=str(base / "theirs"))}
    assert check(base, **{"their.model-2": theirs, "other": folders(esc50="theirs")}) == []


@pytest.mark.parametrize(
    ("name", "system", "key", "cure"),
    [
        ("real", folders(esc50="theirs"), "`systems.real`", "take another"),
        ("Floor", folders(esc50="theirs"), "`systems.Floor`", "take another"),
        ("baseline-text", folders(esc50="theirs"), "`systems.baseline-text`", "take another"),
        ("scratch-audio-0020000", folders(esc50="theirs"), "`systems.scratch", "take another"),
        ("a/b", folders(esc50="theirs"), "`systems.a/b`", "letters, digits"),
        ("a", folders(esc51="theirs"), "unknown dataset `esc51`", "did you mean esc50?"),
        ("a", folders(esc50="their"), '`systems.a.folders.esc50` is "their"', "theirs?"),
        ("a", folders(esc50="empty"), "`systems.a.folders.esc50`", "no sound files"),
        ("a", folders(esc50="texts"), "`systems.a.folders.esc50`", "no sound files"),
        ("a", folders(esc50="twins"), "a.flac and a.wav", "rename"),
        ("a", folders(esc50="theirs/a.wav"), "`systems.a.folders.esc50`", "no folder"),
        ("a", folders(esc50="results/paper/mine"), "the study writes to", "results/paper"),
        ("a", folders(esc50="results"), "the study writes to", "outside of"),
        ("a", folders(), "`systems.a.folders`", "at least 1 key"),
        ("a", folders(esc50=""), "`systems.a.folders.esc50`", "not be empty"),
        ("a", {"folder": "theirs"}, "unknown key `systems.a.folder`", "did you mean `folders`?"),
        ("a", "theirs", "`systems.a`", "a section"),
        ("a", {"label": "", **folders(esc50="theirs")}, "`systems.a.label`", "not be empty"),
    ],
)
def test_a_mistake_is_named_with_its_cure(base, name, system, key, cure):
    sentences = check(base, **{name: system})
    assert any(key in sentence and cure in sentence for sentence in sentences), sentences


def test_a_dataset_of_no_table_is_named(base):
    config = copy.deepcopy(DEFAULT)
    put(config, "table1/datasets", ["esc50"])
    put(config, "systems", {"a": folders(audioset="theirs")})
    (sentence,) = complaints(config, base)
    assert "`systems.a.folders` names `audioset`, which is in no table" in sentence
    assert "`table1.datasets`" in sentence


def test_names_that_some_file_systems_do_not_tell_apart_are_refused(base):
    (sentence,) = check(base, abc=folders(esc50="theirs"), ABC=folders(esc50="theirs"))
    assert "`systems.ABC` and `systems.abc`" in sentence and "rename one" in sentence


def test_a_study_without_a_name_is_told_of_both_mistakes(base):
    config = copy.deepcopy(DEFAULT)
    del config["study"]
    put(config, "systems", {"a": folders(esc50="results")})
    sentences = complaints(config, base)
    assert any("`study`" in sentence for sentence in sentences)
    assert any("the study writes to this folder" in sentence for sentence in sentences)
