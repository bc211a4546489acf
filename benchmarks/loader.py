"""Clips per second and peak memory of the training's loader alone, at full size.

    python benchmarks/loader.py [--clips 2000 20000] [--batch 8] [--folder /scratch]

For each number of clips: a store of latents (8 x 256 x 16, twice, float16) and conditions (512) is
written below --folder, by the code of the workflow, and read in a process of its own for one epoch
of shuffled batches: from the disk (the kernel is asked to forget the files), then from memory.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

LATENT, CONDITION = (8, 256, 16), 512
GOAL = 2000  # clips/s


def write(folder: Path, clips: int) -> tuple[Path, Path]:
    """Latents and conditions of so many clips, as encode_latents and embed_audio leave them."""
    import numpy as np

    from audioldm_bench.store import Part, build_store

    draw = np.random.default_rng(0)
    pool = draw.normal(size=(256, *LATENT)).astype(np.float16)
    ids = [f"clip-{number:07d}" for number in range(clips)]

    def latents(wanted: list[str]) -> Part:
        rows = pool[draw.integers(len(pool), size=len(wanted))]
        return Part(wanted, {"mean": rows, "logvar": -rows})

    def conditions(wanted: list[str]) -> Part:
        return Part(wanted, {"embedding": draw.normal(size=(len(wanted), CONDITION)).astype("f4")})

    paths = folder / "latents.h5", folder / "clap.h5"
    for path, compute in zip(paths, (latents, conditions), strict=True):
        state = {"state": folder / "state", "fingerprint": path.name}
        build_store(path, ids, compute, part_size=256, **state)
    return paths


def forget(paths: tuple[Path, Path]) -> None:
    """Asks the kernel to drop the files from memory."""
    for path in paths:
        with open(path) as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(paths: tuple[Path, Path], clips: int, batch: int, results) -> None:
    """Clips/s of an epoch from disk and of one from memory, and the process's peak memory in MB."""
    import torch

    from audioldm_bench.diffusion.data import TrainingSet

    torch.set_num_threads(1)
    ids = [f"clip-{number:07d}" for number in range(clips)]
    rates = []
    with TrainingSet([paths[0]], [paths[1]], ids) as data:
        del ids
        for epoch in range(2):
            if not epoch:
                forget(paths)
            steps = range(epoch * (clips // batch), (epoch + 1) * (clips // batch))
            begin = time.perf_counter()
            for step in steps:
                data.batch(step, 0, batch)
            rates.append(len(steps) * batch / (time.perf_counter() - begin))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KB, of bytes on macOS
    results.put((*rates, peak * 1024 / 1e6 if sys.platform == "linux" else peak / 1e6))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, nargs="+", default=[2000, 20000])
    parser.add_argument("--batch", type=int, default=8, help="clips a step")
    parser.add_argument("--folder", type=Path, help="where to write; a temporary folder if absent")
    wanted = parser.parse_args()
    processes = multiprocessing.get_context("spawn")
    print(f"batches of {wanted.batch}; goal {GOAL} clips/s; {os.cpu_count()} cores")
    print("| clips | written, GB | from disk, clips/s | from memory, clips/s | peak, MB |")
    print("|---:|---:|---:|---:|---:|")
    for clips in wanted.clips:
        with tempfile.TemporaryDirectory(dir=wanted.folder) as folder:
            paths = write(Path(folder), clips)
            size = sum(path.stat().st_size for path in paths) / 1e9
            results = processes.SimpleQueue()
            process = processes.Process(target=measure, args=(paths, clips, wanted.batch, results))
            process.start()
            process.join()
            if process.exitcode:
                raise SystemExit(process.exitcode)
            disk, memory, peak = results.get()
        row = (f"{clips:,}", f"{size:.2f}", f"{disk:,.0f}", f"{memory:,.0f}", f"{peak:,.0f}")
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
