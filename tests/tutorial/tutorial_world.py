"""The tutorial's own text: its recordings (of ESC-10), its commands, and where they are run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from config_cases import ROOT

ESC10 = ROOT.parent / "shared/data/esc10"
TUTORIAL = ROOT / "docs/tutorial.md"
TINY = ROOT / "tests/workflow/tiny.yaml"


def blocks(language: str) -> list[str]:
    """The tutorial's fenced blocks of a language."""
    text = TUTORIAL.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def commands() -> Iterator[list[str]]:
    """The words of each command of the tutorial."""
    for block in blocks("sh"):
        for line in block.splitlines():
            if words := shlex.split(line, comments=True):
                yield words


def make_recordings(folder: Path) -> None:
    """What the tutorial's Python writes into `folder`: 80 recordings, and their csv."""
    (folder / "esc10").symlink_to(ESC10)
    (code,) = blocks("python")
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)


def run(folder: Path, words: list[str], *more: str) -> str:
    """Runs a command of the text in `folder`, with further words; what it says on both streams."""
    if words[0] == "snakemake":
        start = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        words = [*start, "--cores", "2", *words[1:], *more]
    else:
        assert words[0] == "audioldm-bench"
        words = [sys.executable, "-m", "audioldm_bench", *words[1:], *more]
    environment = dict(os.environ, HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1")
    environment["PYTHONPATH"] = str(ROOT / "src")
    done = subprocess.run(
        words,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


def tiny_sizes(path: Path, dataset: str = "mine") -> Path:
    """A second config, that makes the models of an offline study as small as those of tiny.yaml."""
    tiny = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    models = {key: tiny["models"][key] for key in ("clap", "trained")}
    models["trained"]["dataset"] = dataset
    models["trained"]["clap"]["audio"] |= {"patch_size": 4, "patch_stride": [4, 4]}
    models["clap"]["hop_length"] = 480
    changes = {key: tiny[key] for key in ("audio", "sampling", "metrics", "report")}
    changes["models"] = models
    changes["datasets"] = {dataset: {"nominal_duration": 1.28, "generated_duration": 1.28}}
    kept = ("checkpoint_every", "batch_size", "learning_rate", "warmup_steps", "ema_decay")
    changes["training"] = {key: tiny["training"][key] for key in kept}
    changes["training"]["steps"] = {dataset: 20}
    changes["training"]["checkpoint_every"] = 20
    changes["sampling"]["candidates"] = 1
    changes["metrics"]["also"] = []
    changes["table1"] = {"conditions": ["text"]}
    changes["figure1"] = {"mask_duration": 0.4, "shares": 3, "orders": 1}
    changes["runtime"] = {"threads": 1, "progress_every": 5}
    path.write_text(yaml.safe_dump(changes), encoding="utf-8")
    return path
