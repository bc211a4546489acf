"""A copy of the repository as a user has it, in which commands of the documentation are tried."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile
from doc_commands import Command, commands
from doc_pages import PAGES, ROOT, blocks

PARTS = ["Makefile", "Snakefile", "environment.yml", "pyproject.toml", "requirements.lock"]
FOLDERS = ["benchmarks", "config", "profiles", "src", "tests/full_size", "workflow"]
# what a dry run does not depend on, with the number of words that follow
ASIDE = {"-n": 0, "--dry-run": 0, "--notemp": 0, "--cores": 1}
_PARSE = """
import json, sys
from snakemake.cli import get_argument_parser
parser, refused = get_argument_parser(), {}
for line in json.load(sys.stdin):
    try:
        parser.parse_args(line[1:])
    except SystemExit as stop:
        refused[" ".join(line)] = str(stop.__context__ or stop)
print(json.dumps(refused))
"""
# each script runs up to the end of its parsing, in one process: it imports torch once
_BENCHMARKS = """
import argparse, json, runpy, sys
class Parsed(Exception): pass
parse = argparse.ArgumentParser.parse_args
def stop(self, *arguments):
    parse(self, *arguments)
    raise Parsed
argparse.ArgumentParser.parse_args = stop
sys.path.insert(0, "benchmarks")
refused = {}
for line in json.load(sys.stdin):
    sys.argv = line[1:]
    try:
        runpy.run_path(line[1], run_name="__main__")
        refused[" ".join(line)] = "it does not parse its arguments"
    except Parsed:
        pass
    except (SystemExit, OSError) as reason:
        refused[" ".join(line)] = str(reason.__context__ or reason)
print(json.dumps(refused))
"""


def environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return kept | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


def sounds(data: Path) -> None:
    """Short noise in two classes: with `data` as their csv, or in `data`, a folder a class."""
    root = data.parent if data.suffix == ".csv" else data
    rows = ["file,caption,label,fold"]
    for n in range(60):
        path = root / ("dog", "rain")[n % 2] / f"{n}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(n).uniform(-0.1, 0.1, 8000)
        soundfile.write(path, noise.astype("float32"), 16000)
        rows.append(f"{path.relative_to(root).as_posix()},clip {n},{path.parent.name},{n % 5 + 1}")
    if data.suffix == ".csv":
        data.write_text("\n".join(rows) + "\n")


class World:
    """The copy, and what was found in it, each thing once."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "audioldm-bench"
        self.root.mkdir(parents=True)
        for part in PARTS:
            shutil.copy(ROOT / part, self.root)
        for part in FOLDERS:
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(ROOT / part, self.root / part, ignore=ignored)
        sounds(folder / "shared/data/esc10/esc10.csv")
        sounds(self.root / "data/my-sounds/metadata.csv")
        (self.root / ".venv").mkdir()
        (self.root / ".venv/.made").touch()  # newer than the lock: the environment is there
        starts = {c.line: c for c in commands() if "--data" in c.words}
        self.write_files(but={f"{c.words[2]}.yaml" for c in starts.values()})
        self.begun = {line: self.begin(command) for line, command in starts.items()}
        self.plans: dict[tuple[str, ...], subprocess.CompletedProcess] = {}

    def write_files(self, but: set[str]) -> None:
        """Blocks that are a file, as their first line says; `/data/` is within the copy."""
        for page in PAGES:
            for block in blocks(page):
                if block.file and block.file not in but:
                    text = block.text.replace("/data/", f"{self.root}/data/")
                    (self.root / block.file).write_text(text)

    def begin(self, command: Command) -> subprocess.CompletedProcess:
        """Runs `audioldm-bench init`, on sounds that are made where the text has them; of several
        configs of one name the first stays."""
        data = self.root / command.words[command.words.index("--data") + 1]
        if not data.exists():
            sounds(data)
        config = self.root / f"{command.words[2]}.yaml"
        first = config.read_text() if config.exists() else None
        config.unlink(missing_ok=True)
        done = self.program(*command.words[1:])
        if first:
            config.write_text(first)
        return done

    def program(self, *words: str) -> subprocess.CompletedProcess:
        """Runs `audioldm-bench`, from the copy's own source as after `pip install`."""
        start = f"import sys; sys.path.insert(0, 'src'); sys.argv[1:] = {list(words)!r}\n"
        start += "from audioldm_bench.cli.main import main; sys.exit(main())"
        return self.run(sys.executable, "-c", start)

    def run(self, *words: str) -> subprocess.CompletedProcess:
        """`.stdout` holds both streams."""
        return subprocess.run(
            words,
            cwd=self.root,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def plan(self, command: Command) -> subprocess.CompletedProcess:
        """A dry run of a Snakemake command, once for all that differ in nothing that it shows."""
        words, rest = list(command.words[1:]), []
        while words:
            word = words.pop(0)
            if word in ASIDE:
                del words[: ASIDE[word]]
            else:
                rest.append(word)
        key = tuple(rest)
        if key not in self.plans:
            options = ["-n", "--quiet", "rules", "--cores", "2"]  # the last takes one word only
            self.plans[key] = self.run(sys.executable, "-m", "snakemake", *options, *key)
        return self.plans[key]

    def jobs(self, command: Command) -> int:
        """How many jobs the dry run counts."""
        text = self.plan(command).stdout
        total = re.search(r"^total\s+(\d+)", text, re.M)
        assert total, text[-2000:]
        return int(total[1])

    def refused(self, script: str, lines: list[Command]) -> dict[str, str]:
        """Command lines whose arguments the program itself does not take, with its reason."""
        done = subprocess.run(
            [sys.executable, "-c", script],
            input=json.dumps([list(command.words) for command in lines]),
            cwd=self.root,
            env=environment() | {"PYTHONPATH": str(self.root / "src")},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout.splitlines()[-1])

    def refused_by_snakemake(self, lines: list[Command]) -> dict[str, str]:
        return self.refused(_PARSE, lines)

    def refused_by_benchmarks(self, lines: list[Command]) -> dict[str, str]:
        return self.refused(_BENCHMARKS, lines)
