"""Peak memory of `extract_features` on 200 and on 2,000 clips: `python benchmarks/features.py`.

Each folder is embedded in a process of its own, by an untrained tagger and embedder; its peak is
what the system counted (ru_maxrss, libraries included). The clips are noise, drawn by their number.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

RATE = 16000
MEL = {
    "n_fft": 1024,
    "hop_length": 160,
    "win_length": 1024,
    "n_mels": 64,
    "f_min": 0,
    "f_max": 8000,
}


def make_backbones(folder: Path) -> dict[str, Path]:
    """A small network for whole clips and one for examples of 0.96 s."""
    import torch

    from audioldm_bench.features.cnn import SmallCnn, save_cnn

    for name, example in (("tagger", None), ("embedder", 0.96)):
        torch.manual_seed(0)
        config = {"sample_rate": RATE, "mel": MEL, "channels": [8, 16, 32], "embedding": 128}
        config |= {"labels": [str(n) for n in range(50)], "example_duration": example}
        save_cnn(SmallCnn(config), folder / name)
    return {name: folder / name for name in ("tagger", "embedder")}


def make_clips(folder: Path, n: int, seconds: float) -> None:
    from audioldm_bench import audio

    folder.mkdir()
    for number in range(n):
        noise = np.random.default_rng(number).standard_normal(round(seconds * RATE))
        audio.write(folder / f"{number:05d}.wav", (0.1 * noise).astype(np.float32), RATE)


def extract(folder: Path, n: int, seconds: float) -> dict:
    """In a process of its own: seconds and peak memory (MB) of one folder."""
    from audioldm_bench.features.extract import extract_features

    names = ("tagger", "embedder")
    start = time.monotonic()
    extract_features(
        folder / f"clips-{n}",
        {name: folder / f"{n}-{name}.h5" for name in names},
        {name: folder / name for name in names},
        nominal_duration=seconds,
        minimum_duration=2.0,
        state=folder / f"state-{n}",
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 1024  # bytes
    return {"seconds": time.monotonic() - start, "peak": peak * unit / 1e6}


def measure(folder: Path, n: int, seconds: float) -> dict:
    make_clips(folder / f"clips-{n}", n, seconds)
    call = [sys.executable, __file__, "--child", str(folder), "--clips", str(n)]
    done = subprocess.run(
        [*call, "--seconds", str(seconds)], stdout=subprocess.PIPE, check=True, env=os.environ
    )
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, nargs="+", default=[200, 2000])
    parser.add_argument("--seconds", type=float, default=10.0, help="of a clip")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(extract(given.child, given.clips[0], given.seconds)))
        return
    with tempfile.TemporaryDirectory() as folder:
        make_backbones(Path(folder))
        found = {n: measure(Path(folder), n, given.seconds) for n in given.clips}
    first = found[given.clips[0]]["peak"]
    print(f"| clips of {given.seconds:g} s | seconds | peak, MB | against the first |")
    print("|---:|---:|---:|---:|")
    for n, row in found.items():
        print(f"| {n:,} | {row['seconds']:.0f} | {row['peak']:.0f} | {row['peak'] / first:.3f} |")


if __name__ == "__main__":
    main()
