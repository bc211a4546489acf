"""`audioldm-bench init`: what it refuses, in one sentence, writing nothing."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from recordings import a_csv, class_folders, label, sound, study

from audioldm_bench.cli.main import main
from audioldm_bench.new_study.write import NAME
from config_cases import SCHEMA, complaints

SPLIT = {"label": label, "split": lambda n: "test" if n < 20 else "train"}
REFUSED = {
    "nothing there": (lambda h: "data", "there is no such file or folder"),
    "near": (lambda h: [class_folders(h / "sounds"), "sonds"][1], "did you mean sounds?"),
    "a sound": (lambda h: sound(h / "a.wav"), "this is a sound"),
    "an empty folder": (lambda h: [(h / "d").mkdir(), "d"][1], "it must hold a folder a class"),
    "no class folders": (lambda h: [sound(h / "d/a.wav"), "d"][1], "1 sounds lie directly in it"),
    "two labels": (
        lambda h: class_folders(h / "d", classes=("dog;cat", "rain")),
        "the folder 'dog;cat' cannot be a class, for ; parts labels",
    ),
    "no words": (
        lambda h: class_folders(h / "d", classes=("dog", "__")),
        "the folder '__' cannot be a class",
    ),
    "its csv": (lambda h: a_csv(h / "d/x.csv", {"label": label}).parent, "to use its csv"),
    "few": (lambda h: class_folders(h / "d", each=6), "18 sounds are too few"),
    "no file": (lambda h: _text(h, "filename,label\na.wav,x\n"), "rename the column `filename` to"),
    "File": (lambda h: _text(h, "File,label\na.wav,x\n"), "rename the column `File` to `file`"),
    "no label": (lambda h: _text(h, "file,category\na.wav,x\n"), "rename the column `category`"),
    "nothing known": (lambda h: _text(h, "a,b\n1,2\n"), "column `file` is missing (found: a, b)"),
    "semicolons": (lambda h: _text(h, "file;label\na.wav;x\n"), "not parted by commas"),
    "no rows": (lambda h: _text(h, "file,label\n"), "the table has no rows"),
    "empty": (lambda h: _text(h, ""), "the table has no rows"),
    "utf-16": (lambda h: _bytes(h, "file,label\n".encode("utf-16")), "save it as UTF-8"),
    "no file there": (lambda h: _text(h, _rows("{}.wav,x")), "none of its 30 sounds is there"),
    "backslashes": (lambda h: _text(h, _rows("a\\{}.wav,x")), "write / in place of \\"),
    "twice": (lambda h: _text(h, _rows("a.wav,x")), "stands in rows 2 and 3"),
    "no captions": (lambda h: _text(h, _rows("{}.wav,")), "row 2 has no file, or neither caption"),
    "few there": (
        lambda h: _without(a_csv(h / "c.csv", {"label": label}, files=30), range(1, 30)),
        "1 sounds are too few for a study; at least 20 are needed (29 of 30 files are not there,"
        " the first clips/1.wav: put them there, or mend the paths)",
    ),
    "few readable": (
        lambda h: _without(a_csv(h / "c.csv", {"label": label}, files=30), range(1, 30), b"RIFF"),
        "1 sounds are too few for a study; at least 20 are needed (29 of 30 files are no readable"
        " sound, the first clips/1.wav: convert them",
    ),
    "evaluation not there": (
        lambda h: _without(a_csv(h / "c.csv", SPLIT, files=40), range(17)),
        "3 clips would be evaluated (the column `split` of the csv); mark at least 8, or take the"
        " column out, so that they are drawn (17 of 40 files are not there, the first clips/0.wav",
    ),
    "training not there": (
        lambda h: _without(a_csv(h / "c.csv", SPLIT, files=40), range(20, 40)),
        "no clip is left to train on (the column `split` of the csv); mark some as train (20 of 40"
        " files are not there, the first clips/20.wav",
    ),
    "half a split": (
        lambda h: a_csv(h / "c.csv", {"label": label, "split": lambda n: "test" if n else ""}),
        "1 of 24 rows have no split",
    ),
    "unknown split": (
        lambda h: a_csv(h / "c.csv", {"label": label, "split": lambda n: "held-out"}),
        "the split 'held-out' is unknown",
    ),
    "no evaluation": (
        lambda h: a_csv(h / "c.csv", {"label": label, "split": lambda n: "train"}),
        "0 clips would be evaluated (the column `split` of the csv); mark at least 8",
    ),
    "little evaluation": (
        lambda h: a_csv(h / "c.csv", {"label": label, "split": lambda n: "train" if n else "test"}),
        "1 clips would be evaluated",
    ),
    "no training": (
        lambda h: a_csv(h / "c.csv", {"label": label, "split": lambda n: "test"}),
        "no clip is left to train on (the column `split` of the csv); mark some as train",
    ),
}


def _bytes(here: Path, content: bytes) -> Path:
    (here / "c.csv").write_bytes(content)
    return here / "c.csv"


def _text(here: Path, content: str) -> Path:
    return _bytes(here, content.encode())


def _without(table: Path, numbers: range, content: bytes | None = None) -> Path:
    """The csv of which these files are gone, or hold `content`, which is no sound."""
    for n in numbers:
        file = table.parent / f"clips/{n}.wav"
        file.unlink() if content is None else file.write_bytes(content)
    return table


def _rows(row: str) -> str:
    return "file,label\n" + "".join(row.format(n) + "\n" for n in range(30))


@pytest.mark.parametrize("mistake", REFUSED)
def test_a_mistake_is_a_sentence_and_nothing_is_written(init, here, mistake) -> None:
    make, words = REFUSED[mistake]
    code, said = init("s", make(here))
    assert code == 1 and words in said and said.count("\n") == 1, said
    assert list(here.glob("s.*")) == []


def test_a_study_that_cannot_be_trained_offline_says_so(init, here) -> None:
    path = a_csv(here / "c.csv", {"caption": lambda n: f"sound {n}"})
    code, said = init("s", path, "--offline")
    assert code == 1 and "needs at least two labels" in said
    assert init("s", path)[0] == 0


def test_nothing_is_overwritten(init, here) -> None:
    data = class_folders(here / "d")
    for name in ("s.yaml", "s.csv", "results/s"):
        place = here / name
        place.parent.mkdir(exist_ok=True)
        place.write_text("mine")
        code, said = init("s", data)
        assert code == 1 and name in said and "choose another name" in said
        assert place.read_text() == "mine"
        place.unlink()
    assert init("s.yaml", data)[0] == 0 and Path("s.yaml").exists(), "the ending may be given"


@pytest.mark.parametrize("name", ["a b", "../s", "-s", "", ".s", "ä"])
def test_a_name_that_is_none_is_refused(init, here, name) -> None:
    code, said = init(name, class_folders(here / "d"))
    assert code in (1, 2) and not list(here.rglob("*.yaml"))
    assert re.compile(SCHEMA["$defs"]["name"]["pattern"]).pattern == f"^{NAME.pattern}$"


@pytest.mark.parametrize("name", ["1", "null", "1e5", "yes"])
def test_a_name_is_a_text_whatever_yaml_takes_it_for(init, here, name) -> None:
    assert init(name, class_folders(here / "d"))[0] == 0
    assert complaints(study(name), here) == []


def test_file_names_that_are_no_text_are_refused(init, here) -> None:
    data = class_folders(here / "d")
    odd = os.fsencode(data / "dog") + b"/\xff.wav"
    try:
        os.rename(data / "dog/dog 0.wav", odd)
    except OSError:
        pytest.skip("this file system takes no such name")
    code, said = init("s", data)
    assert code == 1 and "is not UTF-8; rename" in said


def test_data_is_asked_for(capsys) -> None:
    assert main(["init", "s"]) == 2
    assert "--data" in capsys.readouterr().err
