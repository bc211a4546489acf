"""Clips per second of the stages that fill the caches, and how they scale to two processes.

    python benchmarks/precompute.py [--size small s] [--clips 8] [--processes 1 2]

The stages run as the workflow's jobs do, one thread a process, each process on a shard of its own;
models are loaded within the time, libraries before it. `small` gets 8 times the clips of `s`,
resample 8 times more.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from pathlib import Path

from sizes import SIZES, Study

STAGES = {"resample": (), "embed_audio": ("clap",), "encode": ("vae",)}  # and their models
MANY = {"resample": 8, "embed_audio": 2, "encode": 1}  # times as many clips: they are faster
GOAL = 1.7


def work(study: Study, stage: str, number: int, start, ends) -> None:
    """Imports, waits for the others, does the stage on its shard, tells when it was done."""
    import torch

    torch.set_num_threads(1)
    start.wait()
    getattr(study, stage)(number)
    ends.put(time.monotonic())


def seconds(study: Study, stage: str, processes: int, first: int) -> float:
    """From the start of all processes to the end of the last one; shards `first` and on."""
    context = multiprocessing.get_context("spawn")
    start, ends = context.Barrier(processes + 1), context.SimpleQueue()
    numbers = range(first, first + processes)
    jobs = [context.Process(target=work, args=(study, stage, n, start, ends)) for n in numbers]
    for job in jobs:
        job.start()
    start.wait()
    begin = time.monotonic()
    for job in jobs:
        job.join()
        if job.exitcode:
            raise SystemExit(f"{stage}: a process ended with status {job.exitcode}")
    return max(ends.get() for _ in jobs) - begin


def measure(size: str, stage: str, clips: int, processes: list[int]) -> list[float]:
    """Clips/s by so many processes side by side, `clips` a process; each on fresh shards."""
    with tempfile.TemporaryDirectory() as folder:
        study, rates, first = Study(Path(folder), size), [], 0
        study.write(clips, sum(processes), STAGES[stage])
        if stage != "resample":
            for number in range(sum(processes)):
                study.resample(number)
        for count in processes:
            rates.append(count * clips / seconds(study, stage, count, first))
            first += count
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, nargs="+", default=["small", "s"])
    parser.add_argument("--clips", type=int, default=8, help="a process, of encode at size s")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    wanted = parser.parse_args()
    names = [f"{count} process{'es' * (count > 1)}, clips/s" for count in wanted.processes]
    print(f"one thread a process; goal {GOAL} times as fast by two processes")
    print(f"| size | stage | clips a process | {' | '.join(names)} | last by first |")
    print("|---|---|---:|" + "---:|" * (len(names) + 1))
    for size in wanted.size:
        for stage in STAGES:
            clips = wanted.clips * MANY[stage] * (8 if size == "small" else 1)
            rates = measure(size, stage, clips, wanted.processes)
            shown = " | ".join(f"{rate:.2f}" for rate in rates)
            print(
                f"| {size} | {stage} | {clips} | {shown} | {rates[-1] / rates[0]:.2f} |", flush=True
            )


if __name__ == "__main__":
    main()
