"""sacct's stand-in, with commands of SLURM that write down what they were asked."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from audioldm_bench.slurm import accounting_is_off, put_before_sacct

FOLDER = Path(__file__).parents[1] / "profiles" / "slurm" / "without-accounting"
# as the plugin asks [plugin: query_job_status_sacct]
QUESTION = "sacct -X --parsable2 --clusters all --noheader --format=JobIdRaw,State --name run-1"


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Puts a scontrol that says this, and a squeue that repeats its arguments, into the PATH."""

    def make(storage):
        said = f"ClusterName = x\\nAccountingStorageType   = {storage}\\nMinJobAge = 300 sec"
        commands = {"scontrol": f"printf '{said}\\n'", "squeue": 'echo "$@"', "sacct": "exit 3"}
        for name, body in commands.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
            (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return make


def test_where_accounting_is_off_squeue_is_asked_instead(slurm):
    slurm("accounting_storage/none")
    assert accounting_is_off()
    put_before_sacct(FOLDER)
    assert shutil.which("sacct") == str(FOLDER / "sacct")
    done = subprocess.run(QUESTION.split(), capture_output=True, text=True, env=dict(os.environ))
    assert done.stdout == "--states=all --noheader --format=%i|%T --name run-1\n"
    other = subprocess.run(["sacct", "-j", "1"], capture_output=True, env=dict(os.environ))
    assert other.returncode == 1 and other.stdout == b""


def test_where_accounting_is_on_nothing_changes(slurm, tmp_path):
    slurm("accounting_storage/slurmdbd")
    put_before_sacct(FOLDER)
    assert shutil.which("sacct") == str(tmp_path / "sacct")


def test_without_slurm_nothing_changes(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    put_before_sacct(FOLDER)
    assert os.environ["PATH"] == str(tmp_path)
