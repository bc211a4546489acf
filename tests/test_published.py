"""Entries of checkpoints: their places, and their mistakes."""

from __future__ import annotations

import copy

import pytest

from audioldm_bench.published import clap_path, import_inputs, model_path, origin
from config_cases import DEFAULT, ROOT, check_named, complaints, laying, merged, setting

HUB = {"repository": "a/b", "revision": "main", "weights": "bin", "licence": "MIT"}
CKPT = {"url": "https://a.example/x.ckpt", "sha256": None, "licence": "MIT"}
TOKENIZER = {"vocab": "resources/tokenizer/vocab.json", "merges": "resources/tokenizer/merges.txt"}
PLACES = "models.published.checkpoints"


def test_a_ckpt_needs_the_tokenizer():
    checkpoints = {"x": CKPT, "y": {"file": "mine/y.ckpt"}}
    for name, path in (("x", "resources/downloads/x.ckpt"), ("y", "mine/y.ckpt")):
        assert import_inputs(checkpoints, name) == {"model": path, **TOKENIZER}
        assert model_path(checkpoints, name) == path
        assert clap_path(checkpoints, name) is None
        assert origin(checkpoints[name]) == {}


@pytest.mark.parametrize(
    ("clap", "path"),
    [
        ({"checkpoint": "x"}, "resources/downloads/x.ckpt"),
        ({"checkpoint": "y"}, "mine/y.ckpt"),
        ({"url": "https://a.example/clap.pt", "sha256": None}, "resources/clap/hub.pt"),
        ({"file": "mine/clap.pt"}, "mine/clap.pt"),
        (HUB, "resources/clap/hub"),
    ],
)
def test_a_hub_folder_needs_clap(clap, path):
    checkpoints = {"x": CKPT, "y": {"file": "mine/y.ckpt"}, "hub": {**HUB, "clap": clap}}
    inputs = {"model": "resources/downloads/hub", "clap": path}
    assert import_inputs(checkpoints, "hub") == inputs
    assert clap_path(checkpoints, "hub") == path
    named = {key: HUB[key] for key in ("repository", "revision", "weights")}
    of_clap = named if "repository" in clap else {}
    assert origin(checkpoints["hub"]) == {**named, "clap_source": of_clap}
    assert origin(checkpoints["hub"], clap=False) == named


def test_what_the_user_has_goes_first():
    clap = {"checkpoint": "x", "file": "mine/clap.pt"}
    checkpoints = {
        "x": {**CKPT, "file": "mine/x.ckpt"},
        "hub": {**HUB, "folder": "m", "clap": clap},
    }
    assert model_path(checkpoints, "x") == "mine/x.ckpt"
    assert model_path(checkpoints, "hub") == "m"
    assert clap_path(checkpoints, "hub") == "mine/clap.pt"
    assert origin(checkpoints["hub"]) == {"clap_source": {}}
    checkpoints["hub"]["clap"] = {"checkpoint": "x"}
    assert clap_path(checkpoints, "hub") == "mine/x.ckpt"


def test_of_folders_the_files_are_inputs(tmp_path):
    for name in ("model/unet/config.json", "model/unet/a.safetensors", "clap/pytorch_model.bin"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "model" / "notes.md").touch()
    folder, clap = str(tmp_path / "model"), str(tmp_path / "clap")
    checkpoints = {"mine": {"folder": folder, "clap": {"folder": clap}}}
    assert import_inputs(checkpoints, "mine") == {
        "model": [f"{folder}/unet/a.safetensors", f"{folder}/unet/config.json"],
        "clap": [f"{clap}/pytorch_model.bin"],
    }
    assert (model_path(checkpoints, "mine"), clap_path(checkpoints, "mine")) == (folder, clap)


def entry(**keys: object):
    """The config with the entry `mine` in use."""
    return laying(models={"published": {"checkpoint": "mine", "checkpoints": {"mine": keys}}})


MISTAKES = {
    "no place": (entry(licence="MIT"), f"`{PLACES}.mine` names no place", "one of url, file"),
    "two places": (
        entry(**CKPT | HUB),
        f"`{PLACES}.mine` names url and repository",
        "set others to null",
    ),
    "two places of the user's": (
        entry(file="README.md", folder="config"),
        f"`{PLACES}.mine` names file and folder",
        "one of url, file",
    ),
    "no checksum": (
        entry(url="https://a.example/x", licence="MIT"),
        f"`{PLACES}.mine.sha256` is missing",
        "`models.published.checkpoints.mine.url` needs it",
    ),
    "no licence": (
        entry(**{k: v for k, v in HUB.items() if k != "licence"}, clap={"file": "config.yaml"}),
        f"`{PLACES}.mine.licence` is missing",
        "needs it",
    ),
    "no revision": (
        entry(repository="a/b", weights="bin", licence="MIT", clap={"file": "x"}),
        f"`{PLACES}.mine.revision` is missing",
        "needs it",
    ),
    "revision of a url": (
        entry(**CKPT, revision="main"),
        f"`{PLACES}.mine.revision` does not go with",
        "remove it",
    ),
    "no clap": (entry(**HUB), f"`{PLACES}.mine.clap` is missing", "one of checkpoint, url, file"),
    "clap of a ckpt": (
        entry(**CKPT, clap={"file": "x"}),
        f"`{PLACES}.mine.clap` is not used",
        "both towers; remove it",
    ),
    "clap of nothing": (
        entry(**HUB, clap={"licence": "MIT"}),
        f"`{PLACES}.mine.clap` names no place",
        "one of checkpoint, url",
    ),
    "clap of an unknown checkpoint": (
        entry(**HUB, clap={"checkpoint": "audioldm-s-ful"}),
        f'`{PLACES}.mine.clap.checkpoint` is "audioldm-s-ful"',
        "did you mean audioldm-s-full?",
    ),
    "clap of another folder": (
        entry(**HUB, clap={"checkpoint": "cvssp-audioldm-m-full"}),
        f"`{PLACES}.mine.clap.checkpoint`",
        "authors' .ckpt files",
    ),
    "no such file": (
        entry(file="config/none.ckpt"),
        f'`{PLACES}.mine.file` is "config/none.ckpt"',
        "where there is no file",
    ),
    "no such folder": (
        entry(folder="none", clap={"file": "README.md"}),
        f'`{PLACES}.mine.folder` is "none"',
        "where there is no folder",
    ),
    "no such clap": (
        entry(**HUB, clap={"folder": "none"}),
        f'`{PLACES}.mine.clap.folder` is "none"',
        "where there is no folder",
    ),
    "sum of a file that is not read": (
        entry(**HUB, clap={"file": "README.md"}, checksums={"unet/confg.json": None}),
        f'`{PLACES}.mine.checksums` has "unet/confg.json"',
        "did you mean unet/config.json?",
    ),
    "repository without an owner": (
        setting("models/published/checkpoints/cvssp-audioldm-m-full/repository", "audioldm"),
        f"`{PLACES}.cvssp-audioldm-m-full.repository`",
        "owner/name",
    ),
    "endpoint without a scheme": (
        setting("models/published/endpoint", "huggingface.co"),
        "`models.published.endpoint`",
        "beginning with https://",
    ),
    "another noise schedule": (
        setting("diffusion/beta_end", 0.02),
        "`diffusion.beta_end` is 0.02",
        "trained with 0.0195",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_cure(name):
    check_named(*MISTAKES[name])


@pytest.mark.parametrize(
    "keys",
    [
        {"file": "README.md"},
        {"folder": "config", "clap": {"folder": "config"}, "head_channels": 16},
        {**HUB, "clap": {**CKPT, "url": "https://a.example/clap.pt"}},
        {**CKPT, "file": "README.md"},
        {**HUB, "folder": "config", "clap": {"checkpoint": "none", "file": "README.md"}},
        {**HUB, "clap": {**HUB, "checkpoint": None}},
        {**HUB, "clap": HUB, "checksums": {"unet/diffusion_pytorch_model.bin": "0" * 64}},
    ],
)
def test_entries_of_every_kind_are_accepted(keys):
    config = copy.deepcopy(DEFAULT)
    entry(**keys)(config)
    assert complaints(config, ROOT) == []


def test_paths_of_entries_that_are_not_used_are_not_looked_at():
    unused = {"models": {"published": {"checkpoints": {"mine": {"file": "none.ckpt"}}}}}
    assert complaints(merged(DEFAULT, unused), ROOT) == []
