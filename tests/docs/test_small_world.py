"""Commands of the text that are marked, for they need sounds or a study, run on made-up ones.

The sounds are tones, the networks small and random. What the text leaves to published weights is
given by further words; commands that name published backbones themselves are not run.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from doc_commands import Command, commands

from audioldm_bench.cli.arguments import build_parser
from audioldm_bench.cli.main import main
from audioldm_bench.features.registry import BACKBONES
from audioldm_bench.files import read_json, write_json
from cli.cli_world import save_network, write_clips
from cli.generate_world import SETTINGS, STEP, write_study

FOLDERS = ("my-model", "real", "generated", "model-a", "model-b", "floor")
CLAP = "resources/models/audioldm-s-full/clap"


PUBLISHED = [name for name in BACKBONES if name not in ("tagger", "embedder", "clap")]


def of(*names: str) -> list[Command]:
    """The commands of the program that can be run here, each line once."""
    found = {c.line: c for c in commands() if c.program == "audioldm-bench" and c.needs}
    told = [c for c in found.values() if len(c.words) > 2 and c.words[1] in names]
    return [c for c in told if not any(name in word for word in c.words for name in PUBLISHED)]


SCORED, GENERATED = of("evaluate", "compare"), of("generate")
EXPECTED = {  # the files that the text names, by command
    "evaluate": ("metrics.json", "metrics.csv"),
    "compare": ("comparison.json", "comparison.csv"),
}


def ids(command: Command) -> str:
    return f"{command.place} {command.line}"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Sounds, their captions, a study with the steps that the text names, and networks."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("made")
    for number, name in enumerate(FOLDERS):
        write_clips(root / name, range(9), seed=number, noise=0.05 * number)
    rows = "".join(f"clip-{n:02d}.wav,a dog barks\n" for n in range(9))
    (root / "captions.csv").write_text(f"file,caption\n{rows}")
    save_network(root / "networks/tagger", example_duration=None, seed=1)
    save_network(root / "networks/embedder", example_duration=0.25, seed=2)
    study = write_study(root / "study")
    shutil.copytree(study / "models/clap", root / CLAP)
    for command in GENERATED:
        _write_step(root / checkpoint(command), study)
    return root


def checkpoint(command: Command) -> Path:
    return build_parser().parse_args(command.words[1:]).checkpoint


def _write_step(step: Path, study: Path) -> None:
    """A step of a run, and the record of how its study samples."""
    if step.exists():
        return
    own, dataset, run = step.parents[3], step.parts[-3], step.parts[-2]
    shutil.copytree(study / "models", own / "models", dirs_exist_ok=True)
    shutil.copytree(study / STEP, step)
    write_json(own / "systems" / dataset / run / "clips.json", SETTINGS)


@pytest.fixture
def here(made, tmp_path, monkeypatch) -> Path:
    """An empty folder in which all of that lies, but for `generated`, which `generate` makes."""
    for path in made.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDIOLDM_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_the_text_has_such_commands() -> None:
    assert {command.words[1] for command in SCORED} == {"evaluate", "compare"}
    assert any("--captions" in command.words for command in SCORED)
    assert len(SCORED) >= 5 and len(GENERATED) >= 3


@pytest.mark.parametrize("command", SCORED, ids=ids)
def test_folders_are_scored(command, here, capsys) -> None:
    more = ["--bootstrap", "4", "--offline", "--out", "scores"]
    if "--captions" in command.words:
        more += ["--metrics", "clap_score"]
    else:
        networks = [f"{name}={here}/networks/{name}" for name in ("tagger", "embedder")]
        more += ["--backbone-weights", *networks]
    assert main([*command.words[1:], *more]) == 0, capsys.readouterr().err
    assert all((here / "scores" / name).stat().st_size for name in EXPECTED[command.words[1]])
    assert read_json(here / "scores" / EXPECTED[command.words[1]][0])["n"] == 9


@pytest.mark.parametrize("command", GENERATED, ids=ids)
def test_prompts_become_sounds(command, here, capsys) -> None:
    (here / "generated").unlink()
    assert main([*command.words[1:]]) == 0, capsys.readouterr().err
    prompts = build_parser().parse_args(command.words[1:]).prompts
    names = [prompt.replace(" ", "-") for prompt in prompts]
    assert sorted(path.stem for path in here.glob("generated/*.wav")) == sorted(names)
    assert read_json(here / "generated/clips.json")["steps"] == SETTINGS["steps"]
