"""CPU time of Snakemake itself while jobs wait for a core, with and without scheduling.py.

    python benchmarks/scheduler.py --jobs 300

Jobs that sleep, each with as many inputs as a system of the study has, two at a time; both ways in
turn, in one run.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

INPUTS = 10  # of a job
SNAKEFILE = """
from audioldm_bench.scheduling import wake_once_at_a_time

rule all:
    input:
        expand("made/{{number}}", number=range({jobs})),

rule wait:
    input:
        expand("given/{{number}}-{{{{job}}}}", number=range({inputs})),
    output:
        touch("made/{{job}}"),
    shell:
        "sleep {seconds}"

onstart:
    if {mended}:
        wake_once_at_a_time(workflow.scheduler)
"""


def run(folder: Path, jobs: int, seconds: float, mended: bool) -> tuple[float, float]:
    """(s of wall clock, s of CPU) of a whole run; the jobs themselves cost next to nothing."""
    (folder / "given").mkdir(parents=True)
    for job in range(jobs):
        for number in range(INPUTS):
            (folder / f"given/{number}-{job}").touch()
    text = SNAKEFILE.format(jobs=jobs, inputs=INPUTS, seconds=seconds, mended=mended)
    (folder / "Snakefile").write_text(text)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    command = [sys.executable, "-m", "snakemake", "all", "--cores", "2", "--quiet", "all"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=1.0, help="that a job sleeps")
    args = parser.parse_args()
    print("| Snakemake's scheduler | wall clock, s | CPU, s |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, mended in (("as it is", False), ("woken once at a time", True)):
            wall, cpu = run(Path(folder) / name.replace(" ", "-"), args.jobs, args.seconds, mended)
            print(f"| {name} | {wall:.0f} | {cpu:.1f} |", flush=True)


if __name__ == "__main__":
    main()
