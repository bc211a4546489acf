"""The config's check: the shipped configs pass, and each mistake is named with its cure."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from audioldm_bench.config import canonical, checkpoint_steps, used_datasets
from config_cases import (
    DEFAULT,
    ROOT,
    TRAINED,
    check_named,
    complaints,
    laying,
    merged,
    put,
    removing,
    setting,
)

# (what is done to the default config, key that the message names, words of its cure)
MISTAKES = {
    "negative steps": (setting("sampling/steps", -5), "`sampling.steps` is -5", "at least 1"),
    "zero": (setting("figure1/mask_duration", 0), "`figure1.mask_duration` is 0", "more than 0"),
    "too large": (setting("sampling/eta", 1.5), "`sampling.eta` is 1.5", "at most 1"),
    "decay of one": (setting("training/ema_decay", 1), "`training.ema_decay`", "less than 1"),
    "unknown key": (
        setting("sampling/guidance", 3.0),
        "unknown key `sampling.guidance`",
        "did you mean `guidance_scale`? Known keys here: sampler, steps, eta",
    ),
    "key one level too high": (
        setting("guidance_scale", 3.0),
        "unknown key `guidance_scale`",
        "stands at `sampling.guidance_scale`",
    ),
    "key like no other": (setting("zzz", 1), "unknown key `zzz`", "remove it"),
    "missing key": (removing("sampling/eta"), "`sampling.eta` is missing", "add it"),
    "missing section": (removing("metrics"), "section `metrics` is missing", "add it"),
    "empty section": (setting("sampling", None), "`sampling` is empty", "a section with keys"),
    "1e-4 is a text": (
        setting("training/learning_rate", yaml.safe_load("1e-4")),
        '`training.learning_rate` is "1e-4"',
        "write 1.0e-4",
    ),
    "1.5e4 is a text": (setting("mel/f_max", yaml.safe_load("1.5e4")), "`mel.f_max`", "1.5e+4"),
    "number in quotes": (setting("seed", "7"), '`seed` is "7"', "without quotes"),
    "count with a point": (setting("training/batch_size", 8.0), "`training.batch_size`", "write 8"),
    "not a number": (setting("sampling/eta", float("nan")), "`sampling.eta`", "must be a number"),
    "yes for a count": (setting("seed", True), "`seed` is true", "a whole number"),
    "text for a list": (setting("table1/datasets", "esc50"), "`table1.datasets`", "write [esc50]"),
    "empty list": (setting("training/conditions", []), "`training.conditions`", "at least 1"),
    "twice the same": (
        setting("training/conditions", ["text", "text"]),
        "`training.conditions`",
        "not name anything twice",
    ),
    "unknown adapter": (
        setting("datasets/esc50/adapter", "esc-50"),
        '`datasets.esc50.adapter` is "esc-50"',
        "did you mean esc50?",
    ),
    "unknown condition": (
        setting("table1/conditions", ["text", "video"]),
        '`table1.conditions[1]` is "video"',
        "one of audio, text",
    ),
    "unknown sampler": (
        setting("sampling/sampler", "plms"),
        "`sampling.sampler`",
        "one of ddim, dpm",
    ),
    "study no file name": (setting("study", "my/study"), '`study` is "my/study"', "a file name"),
    "dataset no file name": (laying(datasets={"a b": {}}), "`datasets.a b`", "a file name"),
    "checksum too short": (
        setting("models/published/checkpoints/audioldm-s-full/sha256", "abc"),
        "`models.published.checkpoints.audioldm-s-full.sha256`",
        "64 hexadecimal digits",
    ),
    "path for a url": (
        setting("models/published/backbones/vggish/url", "/data/vggish.pth"),
        "`models.published.backbones.vggish.url`",
        "beginning with https://",
    ),
    "address without a host": (
        setting("models/published/backbones/vggish/url", "https:///vggish.pth"),
        "`models.published.backbones.vggish.url`",
        "and a host",
    ),
    "address with a dot too many": (
        setting("models/published/backbones/vggish/url", "https://example..org/vggish.pth"),
        "`models.published.backbones.vggish.url`",
        "and a host",
    ),
    "component without steps": (
        laying(models={"trained": {**TRAINED, "vae": {**TRAINED["vae"], "steps": 0}}}),
        "`models.trained.vae.steps` is 0",
        "at least 1",
    ),
    "misspelt key of a component": (
        laying(models={"trained": {**TRAINED, "clap": {**TRAINED["clap"], "learn_rate": 1e-3}}}),
        "unknown key `models.trained.clap.learn_rate`",
        "did you mean `learning_rate`?",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_cure(name: str) -> None:
    check_named(*MISTAKES[name])


def test_the_default_config_passes() -> None:
    assert complaints(DEFAULT) == []


@pytest.mark.parametrize("name", sorted(p.name for p in (ROOT / "config").glob("*.yaml")))
def test_the_other_configs_pass_laid_over_the_default(name: str) -> None:
    changes = yaml.safe_load((ROOT / "config" / name).read_text(encoding="utf-8"))
    config = merged(DEFAULT, changes)
    sentences = complaints(config)
    absent = [text for text in sentences if ".folder` is" in text and "no folder" in text]
    # A folder of sounds that the config points to may lie elsewhere; nothing else may be wrong.
    assert [text for text in sentences if text not in absent] == []
    assert set(used_datasets(config)) <= set(config["datasets"])


def test_all_mistakes_are_told_at_once() -> None:
    config = copy.deepcopy(DEFAULT)
    put(config, "sampling/steps", -5)
    put(config, "datasets/esc50/adapter", "esc")
    put(config, "table1/datasets", ["esc51"])
    del config["report"]
    sentences = complaints(config)
    keys = ("`sampling.steps`", "`datasets.esc50.adapter`", "`table1.datasets`", "`report`")
    assert len(sentences) == len(keys)
    for key in keys:
        assert sum(key in sentence for sentence in sentences) == 1


@pytest.mark.parametrize("section", DEFAULT)
@pytest.mark.parametrize("value", [None, [], {}, "text", -1], ids=repr)
def test_no_wrong_section_breaks_the_check(section: str, value: Any) -> None:
    """Whatever stands where a section is expected, the user gets words and no traceback."""
    sentences = complaints({**copy.deepcopy(DEFAULT), section: value})
    fine = (section, value) in (("study", "text"), ("seed", 0), ("systems", {}))
    if (
        section == "lists" and value == {}
    ):  # a map may be empty, but AudioCaps' list is then unknown
        assert any("evaluation_list" in sentence for sentence in sentences)
    elif not fine:
        assert any(f"`{section}" in sentence for sentence in sentences)


def test_a_config_that_is_no_section_is_refused() -> None:
    assert complaints(["study"]) == ['the config is ["study"]: it must be a section with keys.']
    assert len(complaints({})) == len(DEFAULT)


def test_folders_of_datasets_that_are_not_used_may_be_absent(tmp_path: Path) -> None:
    mine = {**DEFAULT["datasets"]["esc50"], "source": "folder", "folder": "not there"}
    config = merged(DEFAULT, {"datasets": {"mine": mine}})
    assert complaints(config) == []
    config["table1"]["datasets"].append("mine")
    assert any("datasets.mine.folder" in sentence for sentence in complaints(config, tmp_path))
    (tmp_path / "not there").mkdir()
    assert complaints(config, tmp_path) == []


def test_used_datasets_are_those_of_tables_figures_and_trained_models() -> None:
    assert used_datasets(DEFAULT) == ["esc50", "urbansound8k", "audiocaps", "audioset"]
    config = merged(DEFAULT, {"models": {"trained": TRAINED}, "figure1": {"dataset": "esc50"}})
    for section in ("training", "table1", "table2"):
        config[section]["datasets"] = ["esc50"]
    assert used_datasets(config) == ["esc50"]
    config["models"]["source"] = "trained"
    assert used_datasets(config) == ["esc50", "audioset"]


def test_every_checkpoint_that_the_paper_reports_is_one() -> None:
    """Table II, train steps in thousands."""
    reported = {
        "esc50": [240, 160, 180, 80],
        "urbansound8k": [160, 350, 20, 240],
        "audiocaps": [480, 480, 80, 240],
    }
    training = DEFAULT["training"]
    for name, thousands in reported.items():
        steps = checkpoint_steps(training["steps"][name], training["checkpoint_every"])
        assert {1000 * k for k in thousands} <= set(steps)
        assert steps == sorted(set(steps))
        assert steps[-1] == training["steps"][name]
    assert checkpoint_steps(60, 20) == [20, 40, 60]
    assert checkpoint_steps(50, 20) == [20, 40, 50]
    assert checkpoint_steps(10, 20) == [10]


def test_the_same_config_is_written_one_way() -> None:
    """Snakemake compares the texts of params: neither order nor 5.0 for 5 is a change."""
    one = canonical({"b": [1.0, {"y": 2, "x": 0.5}], "a": True})
    other = canonical({"a": True, "b": [1, {"x": 0.5, "y": 2.0}]})
    assert repr(one) == repr(other) == "{'a': True, 'b': [1, {'x': 0.5, 'y': 2}]}"


@pytest.mark.parametrize("base", ["config", "pilot", "mini"])
def test_an_overlay_can_be_laid_over_a_study(base: str) -> None:
    config = DEFAULT
    for name in (f"{base}.yaml", "overlays/lora.yaml"):
        laid = yaml.safe_load((ROOT / "config" / name).read_text(encoding="utf-8"))
        config = merged(config, laid)
    assert complaints(config) == []
