"""What a study cost: time, memory and GPU-hours of each rule, from Snakemake's benchmark files."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from glob import glob
from pathlib import Path


def rule_costs(
    files: Iterable[Path],
    gpu_keys: Mapping[str, str | None] | None = None,
    gpus: Mapping[str, int] | None = None,
) -> list[dict]:
    """Jobs, wall, longest and CPU time, peak memory and GPU time of each rule, dearest first.

    `files`: benchmark files, in a folder benchmarks/, or patterns of them; what is not there was
    not run. A rule is the first part of a file's path in that folder.
    `gpu_keys`: by pattern of these paths, the key of `gpus` that the rule asks for, None for none;
    of several the one with the fewest wildcards, then the longest, tells.
    `gpus`: how many a job is given, for all its time.
    """
    rules: dict[str, dict] = {}
    for path in sorted({path for pattern in files for path in glob(str(pattern))}):
        name = Path(path).as_posix().rpartition("benchmarks/")[2]
        rule = name.partition("/")[0].removesuffix(".tsv")
        asked = (gpus or {}).get(_key(name, gpu_keys or {}), 0)
        with open(path, encoding="utf-8", newline="") as file:
            for job in csv.DictReader(file, delimiter="\t"):
                _add(rules.setdefault(rule, _nothing(rule)), job, asked)
    return sorted(rules.values(), key=lambda cost: (-cost["seconds"], cost["rule"]))


def _key(name: str, gpu_keys: Mapping[str, str | None]) -> str | None:
    found = [pattern for pattern in gpu_keys if fnmatchcase(name, pattern)]
    return gpu_keys[min(found, key=lambda each: (each.count("*"), -len(each)))] if found else None


def _nothing(rule: str) -> dict:
    zero = ("seconds", "longest", "cpu", "memory", "gpu_seconds")
    return {"rule": rule, "jobs": 0} | dict.fromkeys(zero, 0.0)


def _add(cost: dict, job: Mapping[str, str], gpus: int) -> None:
    seconds = _measured(job, "s")
    cost["jobs"] += 1
    cost["seconds"] += seconds
    cost["longest"] = max(cost["longest"], seconds)
    cost["cpu"] += _measured(job, "cpu_time")
    cost["memory"] = max(cost["memory"], _measured(job, "max_rss"))
    cost["gpu_seconds"] += seconds * gpus


def gpu_hours(seconds: float) -> str:
    """5400 -> 1.50; less than half a minute is not nothing: 0.00 -> < 0.01."""
    if not seconds:
        return "0"
    hours = seconds / 3600
    return "< 0.01" if hours < 0.01 else f"{hours:.2f}" if hours < 100 else f"{hours:.0f}"


def _measured(job: dict[str, str], column: str) -> float:
    """A number of a benchmark file; jobs that were too short to be watched have NA or -."""
    try:
        return float(job.get(column) or 0)
    except ValueError:
        return 0.0


def duration(seconds: float) -> str:
    """3725 -> 1 h 02 min; 75 -> 1 min 15 s; 4.21 -> 4.2 s."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
