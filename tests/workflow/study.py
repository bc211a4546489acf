"""Runs Snakemake for real, in a folder of the test's own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "workflow" / "tiny.yaml"
COMMAND = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]


def environment() -> dict[str, str]:
    """A user's environment: the package is found through the Snakefile alone."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return kept | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


def command(folder: Path, *targets: str, options=(), configs=(TINY,), changes=None) -> list[str]:
    """The command line for `targets` in `folder`; `changes` are laid over `configs`."""
    configs = [str(path) for path in configs]
    if changes:
        path = folder / "changes.yaml"
        path.write_text(yaml.safe_dump(changes))
        configs.append(str(path))
    files = ["--configfile", *configs] if configs else []
    return [*COMMAND, *targets, "--directory", str(folder), "--cores", "2", *options, *files]


def run(folder: Path, *targets: str, check=True, **more) -> subprocess.CompletedProcess:
    """Runs to the end; the output of both streams is in `.stdout`."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        command(folder, *targets, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
    )
    assert not check or done.returncode == 0, done.stdout[-3000:]
    return done


def planned(folder: Path, *targets: str, **more) -> dict[str, int]:
    """How many jobs of each rule a dry run would start."""
    text = run(folder, *targets, options=["--dry-run", "--quiet", "rules"], **more).stdout
    if "Nothing to be done" in text:
        return {}
    found = re.search(r"^job +count\n[- ]+\n(.*?)^total +\d+", text, re.M | re.S)
    assert found, text[-2000:]
    rows = (line.split() for line in found.group(1).splitlines())
    return {name: int(number) for name, number in rows}
