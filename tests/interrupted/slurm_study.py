"""The study through SLURM, with what happens to it on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cluster
from one_run import CONFIGS, VOCODED, S
from study import COMMAND, ROOT, environment

# The profile as it is shipped, but for waits that suit jobs of seconds, and a limit to run into.
HURRY = "--slurm-init-seconds-before-status-checks 2 --max-status-checks-per-second 1"
HURRY += " --latency-wait 10 --resources gpu=2 --set-resources"
LIMIT = "train_component:runtime=1 if wildcards.component == 'vocoder' and attempt == 1 else 60"
LIMITED = "train_component vocoder"
CANCELLED = "train esc50_pretrained_text_0000120"
PATIENCE = 1500  # s after which the study counts as hanging; it takes three minutes


@dataclass(frozen=True)
class Job:
    """One line of squeue; times as SLURM writes them, to the second."""

    number: str
    state: str
    name: str  # rule and wildcards: "train esc50_pretrained_text_0000120"
    start: str
    end: str

    @property
    def rule(self) -> str:
        return self.name.partition(" ")[0]


def jobs() -> list[Job]:
    """All jobs of the study that SLURM remembers, in the order of their submission."""
    found = []
    columns = "%i|%T|%k|%S|%e"
    for line in cluster.ask("squeue", "--states=all", "-h", "-S", "i", "-o", columns).split():
        number, state, comment, start, end = line.split("|")
        name = comment.removeprefix("rule_").replace("_wildcards_", " ")
        if comment.startswith("rule_"):
            found.append(Job(number, state, name, start, end))
    return found


@dataclass
class Record:
    """What a study through SLURM left."""

    folder: Path
    returncode: int = -1
    output: str = ""
    jobs: list[Job] = field(default_factory=list)
    devices: dict[str, set[str]] = field(default_factory=dict)  # by number of job
    waited: list[str] = field(default_factory=list)  # names of jobs that waited for the node


def run_through_slurm(folder: Path, devices: Path) -> Record:
    """Runs to the end; meanwhile a job meets its limit, one is cancelled, the node is drained."""
    folder.mkdir()
    record = Record(folder)
    command = [*COMMAND, "--profile", "profiles/slurm", "all_tables", VOCODED]
    command += ["--directory", str(folder), *HURRY.split(), LIMIT]
    incidents = [_time_limit(folder), _cancel(folder), _drain(record)]
    end = time.monotonic() + PATIENCE
    with open(folder / "output.txt", "w") as output:
        process = subprocess.Popen(
            [*command, "--configfile", *map(str, CONFIGS)],
            stdout=output,
            stderr=output,
            env=environment(),
            cwd=ROOT,
        )
        try:
            while process.poll() is None and time.monotonic() < end:
                incidents = [each for each in incidents if next(each, None) is not None]
                time.sleep(0.1)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
    record.returncode, record.jobs = process.returncode, jobs()
    record.output = (folder / "output.txt").read_text()
    for line in devices.read_text().splitlines():
        number, device = line.split()
        record.devices.setdefault(number, set()).add(device)
    return record


def _running(name: str) -> Job | None:
    return next((job for job in jobs() if job.name == name and job.state == "RUNNING"), None)


def _under_way(state: Path) -> bool:
    """Whether a training has left a state to continue from."""
    return any(not path.name.startswith(".") for path in state.glob("*") if path.is_file())


def _time_limit(folder: Path) -> Iterator[bool]:
    """A component's training stands still, as one whose disk hangs does, until its limit of a
    minute is over. SLURM wakes it up (SIGCONT) to tell it (SIGTERM)."""
    while not _under_way(folder / S / "state/train_component/vocoder"):
        yield True
    for pid in cluster.ask("scontrol", "listpids", _running(LIMITED).number).split()[5::5]:
        if b".train_component.py" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(int(pid), signal.SIGSTOP)


def _cancel(folder: Path) -> Iterator[bool]:
    """Someone cancels a segment of the fine-tuning."""
    while not _under_way(folder / S / "state/train/esc50-pretrained-text-0000120"):
        yield True
    cluster.ask("scancel", _running(CANCELLED).number)


def _drain(record: Record) -> Iterator[bool]:
    """The only node is drained while a job runs on it, until others wait and none is left there."""
    while not (record.folder / S / "state/sample/esc50-baseline-text").exists():
        yield True
    node = "nodename=" + cluster.ask("sinfo", "-h", "-o", "%n").strip()
    cluster.ask("scontrol", "update", node, "state=drain", "reason=test")
    while not record.waited:
        yield True
        states = {job.name: job.state for job in jobs()}
        if "RUNNING" not in states.values() and "COMPLETING" not in states.values():
            record.waited = [name for name, state in states.items() if state == "PENDING"]
    cluster.ask("scontrol", "update", node, "state=resume")
