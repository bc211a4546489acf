"""`audioldm-bench init` on recordings as they come: paths, ends of lines, files of other kinds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from recordings import CLASSES, a_csv, class_folders, label, read, sound, splits, study

from audioldm_bench.datasets import table
from audioldm_bench.new_study import sources
from config_cases import complaints


@pytest.mark.parametrize("absolute", [True, False])
@pytest.mark.parametrize("kind", ["csv", "folder", "link"])
def test_paths_stay_as_they_were_given(init, here, absolute, kind) -> None:
    """Also with spaces, quotes and letters of other alphabets, and through a link."""
    home = Path("Tonaufnahmen für's “Archiv”")
    data = class_folders(home)
    if kind == "link":
        Path("deep/er").mkdir(parents=True)
        Path("deep/er/real").symlink_to(Path("../../") / home)
        home = data = Path("deep/er/real")
    if kind == "csv":
        data = a_csv(home / "my clips.csv", {"label": label})
    code, said = init("s", here / data if absolute else data)
    assert code == 0, said
    assert read("s")["datasets"]["mine"]["folder"] == str(here / home if absolute else home)
    assert complaints(study("s"), here) == []
    assert splits(study("s"))["evaluation"] == 8


@pytest.mark.parametrize(("end", "bom"), [("\r\n", "\ufeff"), ("\n", "\ufeff"), ("\r\n", "")])
def test_tables_of_windows_are_read(init, here, end, bom) -> None:
    a_csv(here / "clips.csv", {"label": label}, end=end, bom=bom)
    code, said = init("s", "clips.csv")
    assert code == 0 and "24 of 3 classes" in said, said
    assert b"\r" not in Path("s.yaml").read_bytes()


def test_a_csv_is_written_with_unix_ends_and_labels_in_words(init, here) -> None:
    init("s", class_folders(here / "d", classes=("001 - Dog bark", "002 - clock_tick")))
    rows = Path("s.csv").read_bytes().decode().splitlines()
    assert rows[:2] == [
        "file,caption,label",
        "001 - Dog bark/001 - Dog bark 0.wav,Dog bark,Dog bark",
    ]
    assert rows[-1].endswith(",clock tick,clock_tick")


def test_numbers_that_belong_to_a_name_stay(init, here) -> None:
    init("s", class_folders(here / "d", classes=("808 kick", "snare")))
    assert read("s") and "808 kick,808 kick" in Path("s.csv").read_text()


def test_folders_of_splits_are_splits(init, here) -> None:
    for name, each in (("train", 8), ("test", 4)):
        class_folders(here / "d" / name, each=each)
    code, said = init("s", "d")
    assert code == 0, said
    assert read("s")["datasets"]["mine"]["split"]["kind"] == "official"
    assert splits(study("s"))["evaluation"] == 12
    assert set(sources._SPLITS) | {""} == set(table._SPLITS)


def test_sounds_beside_the_classes_of_a_split_are_told(init, here) -> None:
    for name in ("train", "test"):
        class_folders(here / "d" / name)
        sound(here / "d" / name / "loose.wav")
    code, said = init("s", "d")
    assert code == 0 and "loose" not in Path("s.csv").read_text(), said
    assert "1 sounds directly in d/test have no class folder: left out" in said
    assert "1 sounds directly in d/train have no class folder: left out" in said


def test_a_path_that_is_no_text_is_refused(init, here) -> None:
    a_csv(class_folders(here / "d") / "clips.csv", {"label": label})
    data = (here / "d").rename(here / b"d\xff".decode("utf-8", "surrogateescape"))
    for path in (data, data / "clips.csv"):
        code, said = init("s", path)
        assert code == 1 and "this name is not UTF-8; rename the file or folder" in said


def test_other_files_are_left_out_and_told(init, here) -> None:
    data = class_folders(here / "d")
    sound(data / "loose.wav")
    (data / "dog/dog 0.wav").rename(data / "dog/UPPER.WAV")
    (data / "dog/notes.txt").write_text("x")
    (data / "dog/.DS_Store").write_text("x")
    (data / "rain/phone.m4a").write_bytes(b"x")
    (data / "rain/broken.wav").write_bytes(b"RIFF")
    (data / "empty").mkdir()
    code, said = init("s", "d")
    assert code == 0, said
    rows = Path("s.csv").read_text()
    assert "dog/UPPER.WAV" in rows and "loose" not in rows and "m4a" not in rows
    assert "1 .m4a files are left out: convert them" in said and "1 .txt" in said
    assert "1 sounds directly in d" in said and ".DS_Store" not in said
    assert "1 of 31 files are no readable sound, and will be left out: rain/broken.wav" in said


def test_recordings_of_clips_without_labels_are_kept_together(init, here) -> None:
    columns = {"caption": lambda n: f"sound {n}", "group": lambda n: f"tape {n // 3}"}
    code, said = init("s", a_csv(here / "clips.csv", columns, files=60))
    assert code == 0 and "kept together" in said, said
    assert Path("s.csv").read_text().startswith("file,caption,fold,group\n")


def test_small_folds_are_evaluated_together(init, here) -> None:
    """Those of the csv, and those that keep recordings together."""
    a_csv(here / "clips.csv", {"label": label, "fold": lambda n: n // 5 + 6})
    code, said = init("s", "clips.csv")
    assert code == 0 and "has 5 folds; the last 2 are evaluated" in said, said
    assert read("s")["datasets"]["mine"]["split"]["evaluation_folds"] == [9, 10]
    assert splits(study("s"))["evaluation"] == 9
    a_csv(here / "clips.csv", {"label": label, "group": lambda n: n // 2})
    code, said = init("t", "clips.csv")
    assert code == 0 and "are evaluated" in said, said
    assert splits(study("t"))["evaluation"] >= 8


def test_recordings_larger_than_the_validation_split_are_trained_on(init, here) -> None:
    columns = {"label": label, "group": lambda n: n // 6, "fold": lambda n: n // 12 + 1}
    code, said = init("s", a_csv(here / "clips.csv", columns))
    assert code == 0 and "no validation clips: no recording is as small" in said, said
    assert read("s")["datasets"]["mine"]["split"]["validation"] == 0
    assert splits(study("s")) == {"train": 12, "evaluation": 12}
    assert complaints(study("s"), here) == []


def test_missing_files_are_told(init, here) -> None:
    path = a_csv(here / "clips.csv", {"label": label})
    (here / "clips/3.wav").unlink()
    code, said = init("s", path)
    assert code == 0 and "1 of 24 files are not there" in said and "clips/3.wav" in said


def test_only_sounds_that_are_there_count(init, here) -> None:
    """In what is said and written; a draw gives eight of them for evaluation, however many rows."""
    path = a_csv(here / "clips.csv", {"label": lambda n: CLASSES[n < 60]}, files=90)
    for n in (*range(59), *range(83, 90)):
        (here / f"clips/{n}.wav").unlink()
    code, said = init("s", path)
    assert code == 0 and "24 of 2 classes" in said and "66 of 90 files are not there" in said, said
    made = splits(study("s"))
    assert made["evaluation"] >= 8 and made["train"] and sum(made.values()) == 24
    assert f"{made['train']} train, {made['validation']} validation" in said
    assert "classes of fewer than 4 clips, hardly trained on: rain" in said
    assert "# Fine-tuning AudioLDM on 24 recordings" in Path("s.yaml").read_text()


def test_folds_are_as_large_as_what_is_there(init, here) -> None:
    path = a_csv(here / "clips.csv", {"label": label, "fold": lambda n: n // 10 + 1}, files=50)
    for n in range(44, 50):
        (here / f"clips/{n}.wav").unlink()
    code, said = init("s", path)
    assert code == 0 and "has 5 folds; the last 2 are evaluated" in said, said
    assert splits(study("s"))["evaluation"] == 14


def test_columns_that_are_not_used_are_told(init, here) -> None:
    a_csv(here / "clips.csv", {"caption": label, "category": label, "take": label})
    code, said = init("s", "clips.csv")
    assert code == 0 and "not used: category, take" in said
    assert "if `category` is the label, rename the column" in said


def test_one_class_is_told_what_cannot_be_made_of_it(init, here) -> None:
    code, said = init("s", class_folders(here / "d", each=24, classes=("dog",)))
    assert code == 0 and "Figure 1 and the report need at least two" in said
    assert re.search(r"snakemake all_tables figure2 .*--configfile s\.yaml", said)
    assert complaints(study("s"), here) == []
