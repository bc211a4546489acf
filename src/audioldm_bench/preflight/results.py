"""What a check found, and how a person reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import UserError
from ..files import read_json, write_json
from .rows import Place, Row

OK, WARNING, PROBLEM = "ok", "warning", "problem"


@dataclass(frozen=True)
class Result:
    """One check. `finding` names what was looked at; a warning or a problem has a `cure`."""

    check: str
    state: str
    finding: str
    cure: str = ""


def ok(check: str, finding: str) -> Result:
    return Result(check, OK, finding)


def warning(check: str, finding: str, cure: str) -> Result:
    return Result(check, WARNING, finding, cure)


def problem(check: str, finding: str, cure: str) -> Result:
    return Result(check, PROBLEM, finding, cure)


def size(count: float) -> str:
    """Bytes in words."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if count >= factor:
            return f"{count / factor:,.1f} {unit}"
    return f"{count / 1e3:,.0f} kB"


def write_results(
    path: Path, results: Sequence[Result], rows: Sequence[Row] = (), device: str = ""
) -> None:
    """For `read_results`: a job's checks, and the stages if it estimated them on `device`."""
    content = {"results": [asdict(result) for result in results], "device": device}
    write_json(path, content | {"rows": [asdict(row) for row in rows]})


def read_results(path: Path) -> tuple[list[Result], list[Row], str]:
    """Checks, stages and device as `write_results` got them."""
    content = read_json(path)
    rows = [
        Row(**row | {"places": tuple(Place(**place) for place in row["places"])})
        for row in content["rows"]
    ]
    return [Result(**row) for row in content["results"]], rows, content["device"]


def results_table(results: Iterable[Result]) -> str:
    """A line a check, its cure below it."""
    lines = []
    for result in results:
        lines.append(f"{result.state:8} {result.check:12} {result.finding}")
        lines += [f"{'':21} -> {result.cure}"] if result.cure else []
    return "\n".join(lines)


def plan_table(rows: Sequence[Row], device: str) -> str:
    """The stages with hours, disk and GPU memory, and their sums."""
    line = "{:12} {:>5} {:>9} {:>10} {:>8}  {}".format
    lines = [
        f"The whole study from nothing, one job at a time; hours on {device}:",
        line("stage", "jobs", "hours", "disk", "GPU", "amount"),
    ]
    for row in rows:
        hours = "-" if row.hours is None else f"{row.hours:,.1f}"
        memory = size(row.gpu_memory) if row.gpu_memory else "-"
        lines.append(line(row.stage, f"{row.jobs:,}", hours, size(row.disk), memory, row.amount))
    hours = sum(row.hours or 0 for row in rows)
    jobs, disk = sum(row.jobs for row in rows), sum(row.disk for row in rows)
    most = max(row.gpu_memory for row in rows)
    lines.append(line("sum", f"{jobs:,}", f"{hours:,.1f}", size(disk), size(most), "").rstrip())
    beside = sum(row.temporary for row in rows)
    return "\n".join([*lines, f"and up to {size(beside)} of disk for what is deleted again."])


def conclude(results: Sequence[Result]) -> str:
    """The last line. UserError that lists the problems, if there are any."""
    found = [result for result in results if result.state == PROBLEM]
    if not found:
        warnings = sum(result.state == WARNING for result in results)
        return f"preflight: no problem, {warnings} warning{'s' * (warnings != 1)}"
    count = "1 problem" if len(found) == 1 else f"{len(found)} problems"
    listed = "\n".join(f"  - {r.check}: {r.finding}; {r.cure}" for r in found)
    raise UserError(f"preflight found {count}:\n{listed}")
