"""The last lines of a workflow that failed: each failed job's log, and what went wrong in it."""

from __future__ import annotations

import atexit
import contextlib
import re
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ERROR = "error: "  # how job.py begins a job's last words
LONGEST = 12  # lines of last words that are repeated; a list of mistakes can be long
_ENDED = re.compile(r"died with <Signals\.(\w+)|exit status (\d+)|SLURM status is: '(\w+)'")


@dataclass(frozen=True)
class Failed:
    """A job that failed, and for good: no attempt is left."""

    rule: str
    wildcards: str  # as a=b, c=d
    jobid: int
    log: Path | None


def last_words(log: Path | None) -> str | None:
    """The last error that a job wrote to its log, with the lines that belong to it; or None."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log else []
    except OSError:
        return None
    starts = [number for number, line in enumerate(lines) if line.startswith(ERROR)]
    if not starts:
        return None
    said = [line for line in lines[starts[-1] :] if line.strip()]
    more = [f"  ... {len(said) - LONGEST} lines more in the log"] if len(said) > LONGEST else []
    return "\n".join([*said[:LONGEST], *more])


def how_it_ended(job: Failed, snakemake_log: str) -> str | None:
    """SIGKILL, OUT_OF_MEMORY or `exit status 3`, as Snakemake's own log says of this job."""
    block = rf"Error in rule {re.escape(job.rule)}:\n(?:.*\n)??(?:.*\n)?? +jobid: {job.jobid}\n"
    end = re.search(block, snakemake_log)
    if not end:
        return None
    start = max(snakemake_log.rfind("Error in rule ", 0, end.start()), 0)
    found = _ENDED.findall(snakemake_log, start, end.end())
    return _named(*found[-1]) if found else None


def _named(name: str, status: str, slurm: str) -> str:
    if status and int(status) > 128:  # a shell's way to say it
        with contextlib.suppress(ValueError):
            name = signal.Signals(int(status) - 128).name
    return name or slurm or f"exit status {status}"


def wordless(job: Failed, snakemake_log: str) -> str:
    """The sentence for a job whose log has no error."""
    ended = how_it_ended(job, snakemake_log)
    if ended in ("SIGKILL", "OUT_OF_MEMORY", "SIGBUS"):
        return f"{ERROR}killed ({ended}), perhaps out of memory: no error in its log"
    if ended and ended.startswith(("SIG", "TIMEOUT", "CANCELLED")):
        return f"{ERROR}ended from outside ({ended}): no error in its log"
    how = f" ({ended})" if ended else ""
    return f"{ERROR}ended without an error in its log{how}; see what Snakemake says above"


def summary(jobs: Iterable[Failed], snakemake_log: str = "") -> str:
    """Of each failed job its rule, its log's path and, last, its last error."""
    jobs = sorted(jobs, key=lambda job: job.jobid)
    lines = ["", "1 job failed:" if len(jobs) == 1 else f"{len(jobs)} jobs failed:"]
    for job in jobs:
        lines.append(f"{job.rule} ({job.wildcards})" if job.wildcards else job.rule)
        lines.append(f"log: {job.log or 'none'}")
        lines.append(last_words(job.log) or wordless(job, snakemake_log))
    return "\n".join(lines)


def _failed(job) -> Failed:
    wildcards = ", ".join(f"{name}={value}" for name, value in job.wildcards.items())
    return Failed(job.rule.name, wildcards, job.jobid, Path(job.log[0]) if job.log else None)


def tell_at_exit(jobs: Iterable, logs: Iterable[str]) -> None:
    """Prints the summary of Snakemake's `jobs` when this process ends, after all that Snakemake
    still says. `logs`: Snakemake's own."""
    jobs = [_failed(one) for job in jobs for one in getattr(job, "jobs", [job])]
    if not jobs:
        return
    own = "\n".join(Path(log).read_text(errors="replace") for log in logs if Path(log).is_file())
    text = summary(jobs, own)
    atexit.register(lambda: print(text, file=sys.stderr, flush=True))
