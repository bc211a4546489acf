"""Keeps Snakemake's SLURM plugin from asking sacct where accounting is off.

While the controller does not answer, the plugin asks sacct whatever the profile says, for as long
as its attempts last; without accounting sacct never answers, and the jobs are lost sight of and
waited for for ever. (snakemake-executor-plugin-slurm 2.8.0: check_active_jobs)
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

OFF = "accounting_storage/none"


def accounting_is_off() -> bool:
    """Whether this machine's SLURM keeps no account of jobs; no where there is none."""
    if shutil.which("scontrol") is None:
        return False
    try:
        said = subprocess.run(
            ["scontrol", "show", "config"], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return any(
        line.startswith("AccountingStorageType") and line.rstrip().endswith(OFF)
        for line in said.stdout.splitlines()
    )


def put_before_sacct(folder: Path) -> None:
    """Where accounting is off, `sacct` in `folder` is found before SLURM's own from now on."""
    if accounting_is_off():
        os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
