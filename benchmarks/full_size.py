"""Seconds and peak memory of every job of the workflow on models of full size, on the CPU.

    python benchmarks/full_size.py M --batch 1 --folder /scratch/full-size

Weights are random, recordings those of ESC-10; what is real is read from ../shared/data. Needs as
much disk as four (without training two) checkpoints of the size; `--folder` is removed at the
end. RESULTS.md beside this file has what it printed.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests/full_size")]

import full_size_world as world  # noqa: E402  (it needs the paths)

SYSTEMS = "results/full/systems/esc10"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", choices=world.SIZES)
    parser.add_argument("--folder", type=Path, required=True, help="new folder to work in")
    parser.add_argument(
        "--segments", type=int, default=1, help="training steps, each a segment of its own"
    )
    parser.add_argument("--batch", type=int, default=1, help="clips of a training step")
    parser.add_argument("--steps", type=int, default=1, help="of DDIM")
    parser.add_argument("--candidates", type=int, default=1, help="sounds made for a prompt")
    parser.add_argument("--prompts", type=int, default=1, help="clips generated, at most 8")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    wanted = arguments()
    wanted.folder.mkdir(parents=True)
    system = f"pretrained-audio-{wanted.segments:07d}" if wanted.segments else "baseline-text"
    try:
        world.prepare(
            wanted.folder,
            wanted.size,
            clips=(8 - wanted.prompts, wanted.prompts),
            training={
                "steps": {"esc10": max(1, wanted.segments)},
                "checkpoint_every": 1,
                "batch_size": wanted.batch,
            },
            sampling={"steps": wanted.steps, "candidates": wanted.candidates},
            threads=wanted.threads,
        )
        target = f"{SYSTEMS}/{system}/features/vggish.h5"
        world.run(wanted.folder, target, threads=wanted.threads)
        jobs = world.read_jobs(wanted.folder)
    finally:
        shutil.rmtree(wanted.folder)
    print(f"{platform.machine()}, {wanted.threads} thread(s); {' '.join(sys.argv[1:])}")
    print(world.as_table(jobs))


if __name__ == "__main__":
    main()
