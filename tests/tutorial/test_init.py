"""`audioldm-bench init`: what it writes of which recordings."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from pathlib import Path

import pytest
import yaml
from recordings import a_csv, class_folders, label, read, splits, study

from audioldm_bench.datasets import table
from audioldm_bench.new_study import plan
from audioldm_bench.new_study.folds import deal
from config_cases import ROOT, complaints

LORA = yaml.safe_load((ROOT / "config/overlays/lora.yaml").read_text())["training"]
ESC10 = yaml.safe_load((ROOT / "config/esc10.yaml").read_text())


@pytest.mark.parametrize("options", [(), ("--offline",)])
def test_class_folders_give_a_config_that_the_workflow_takes(init, here, options) -> None:
    code, said = init("my-study", class_folders(here / "my sounds"), *options)
    assert code == 0, said
    config = study("my-study")
    assert complaints(config, here) == []
    assert splits(config) == {"train": 19, "validation": 3, "evaluation": 8}
    assert "19 train, 3 validation, 8 evaluation" in said
    assert config["figure1"]["interference_classes"] == 2
    assert sorted(p.name for p in here.glob("my-study*")) == ["my-study.csv", "my-study.yaml"]


def test_the_heading_says_what_is_trained(init, here) -> None:
    """Nothing published is used offline."""
    init("a", class_folders(here / "sounds"))
    init("b", here / "sounds", "--offline")
    published, offline = Path("a.yaml").read_text(), Path("b.yaml").read_text()
    assert published.startswith("# a.yaml\n# Fine-tuning AudioLDM on 30 recordings, written by")
    heading = offline.split("#\n")[0]
    assert heading.startswith("# b.yaml\n# A small AudioLDM, trained from scratch on 30 recordings")
    assert "Fine-tuning" not in heading and "`audioldm-bench init --offline`" in heading


@pytest.mark.parametrize("options", [(), ("--offline",)])
def test_every_key_has_a_comment(init, here, options) -> None:
    init("my-study", class_folders(here / "sounds"), *options)
    keys = [line for line in Path("my-study.yaml").read_text().splitlines() if ":" in line]
    keys = [line for line in keys if not line.startswith("#")]
    assert len(keys) > 30
    opens = ("datasets:", "models:", "  published:", "  trained:", "training:", "sampling:")
    plain = {"audio:", "    tokenizer:", *opens} | {"      tokenizer:"}
    assert [line for line in keys if " # " not in line and line not in plain] == []


def test_the_presets_are_those_of_the_projects_configs(init, here) -> None:
    data = class_folders(here / "sounds")
    init("a", data)
    training = read("a")["training"]
    assert {key: training[key] for key in LORA} == LORA
    init("b", data, "--offline")
    trained, theirs = read("b")["models"]["trained"], ESC10["models"]["trained"]
    theirs["dataset"] = "mine"
    assert trained["diffusion"]["unet"].pop("sample_size") == 32
    assert theirs["diffusion"]["unet"].pop("sample_size") == 64
    assert trained == theirs
    assert read("b")["metrics"] == ESC10["metrics"]


@pytest.mark.parametrize(("seconds", "nominal"), [(0.1, 0.5), (1.2, 1.0), (3.3, 3.5), (12.0, 5.0)])
def test_lengths_are_those_of_the_sounds(init, here, seconds, nominal) -> None:
    init("my-study", class_folders(here / "sounds", each=7, seconds=seconds), "--offline")
    mine, config = read("my-study")["datasets"]["mine"], study("my-study")
    assert mine["nominal_duration"] == nominal
    assert mine["generated_duration"] == (2.56 if nominal <= 2.5 else 5.12)
    assert config["audio"]["duration"] == mine["generated_duration"]
    assert complaints(config, here) == [] and config["figure1"]["mask_duration"] < nominal
    init("long", here / "sounds")
    assert read("long")["datasets"]["mine"]["nominal_duration"] == (
        10.0 if seconds > 5 else nominal
    )


def test_steps_grow_with_the_clips() -> None:
    assert [plan._steps(n) for n in (10, 60, 400, 10**6)] == [1000, 1000, 8000, 20000]


@pytest.mark.parametrize(
    ("columns", "split", "counts"),
    [
        (
            {"label": label, "split": lambda n: ("train", "Valid", "test")[n // 8]},
            {"kind": "official", "validation": 0},
            {"train": 8, "validation": 8, "evaluation": 8},
        ),
        (
            {"caption": label, "split": lambda n: "test" if n < 8 else "train"},
            {"kind": "official", "validation": 2, "stratify": False},
            {"train": 14, "validation": 2, "evaluation": 8},
        ),
        (
            {"label": label, "fold": lambda n: n // 8 + 1},
            {"kind": "fold", "evaluation_folds": [3], "stratify": True},
            {"train": 13, "validation": 3, "evaluation": 8},
        ),
        (
            {"caption": lambda n: f"sound {n}", "fold": lambda n: "abc"[n // 8]},
            {"kind": "fold", "evaluation_folds": ["c"]},
            {"train": 14, "validation": 2, "evaluation": 8},
        ),
        (
            {"label": label},
            {"kind": "random", "stratify": True},
            {"train": 13, "validation": 3, "evaluation": 8},
        ),
    ],
)
def test_a_csv_keeps_its_splits_and_folds(init, here, columns, split, counts) -> None:
    code, said = init("s", a_csv(here / "data/clips.csv", columns))
    assert code == 0, said
    config = study("s")
    assert complaints(config, here) == []
    assert split.items() <= config["datasets"]["mine"]["split"].items()
    assert splits(config) == counts
    assert not Path("s.csv").exists()


def test_groups_stay_together_where_the_csv_says_no_more(init, here) -> None:
    columns = {"label": label, "group": lambda n: f"tape {n // 3}"}
    code, said = init("s", a_csv(here / "data/clips.csv", columns, files=60))
    assert code == 0 and "kept together" in said, said
    splits(study("s"))
    with open("made/manifest.csv", newline="", encoding="utf-8") as file:
        sides = defaultdict(set)
        for row in csv.DictReader(file):
            sides[row["group"]].add(row["split"])
    assert len(sides) == 20 and all(len(side) == 1 for side in sides.values())
    assert {name for side in sides.values() for name in side} == set(splits(study("s")))


def test_dealt_folds_are_even_and_do_not_depend_on_the_order(here) -> None:
    a_csv(here / "clips.csv", {"label": label, "group": lambda n: n // 6}, files=60)
    clips = table.scan(here, {"table": "clips.csv"})
    assert set(Counter(deal(clips, 0).values()).values()) == {2}
    assert deal(clips, 0) == deal(clips[::-1], 0) != deal(clips, 1)
