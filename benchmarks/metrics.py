"""A pair of folders, and a whole Figure 1, by this project and by audioldm_eval's procedure.

    python benchmarks/metrics.py                      # 200 pairs of 10 s
    python benchmarks/metrics.py --pairs 20 --threads 1
    python benchmarks/metrics.py --memory             # peak memory with 200 and with 2,000 clips

Cnn14 and VGGish of full size with seeded random weights, the same files on both sides; clips of
16 kHz are made on the spot. Each stage is a process of its own, whose peak memory is its; the two
sides take turns. A stage's seconds are those of its work, loading of weights included, imports not.
RESULTS.md beside this file has what it printed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "benchmarks")]

RATE = 16000
BACKBONES = ("panns_cnn14_16k", "vggish")
CONFIG = {
    "fd": "panns_cnn14_16k",
    "is": "panns_cnn14_16k",
    "kl": "panns_cnn14_16k",
    "fad": "vggish",
    "is_splits": 10,
    "is_seed": 2020,
    "minimum_duration": 2.0,
    "also": [],
    "bootstrap": {"replicates": 0, "level": 0.95},
}
KINDS = ("noise", "mask", "disorder", "interference")  # of Figure 1
REFERENCES = 3  # what they are compared with: vocoded, composed and real clips
SHARES, ORDERS, REPLICATES = 11, 5, 200


def main() -> None:
    wanted = _arguments()
    if wanted.stage:
        print(json.dumps(_measured(wanted)))
        return
    print(f"{platform.machine()}, {wanted.threads} thread(s), clips of {wanted.duration:g} s")
    with tempfile.TemporaryDirectory(dir=wanted.folder) as folder:
        (memory if wanted.memory else speed)(Path(folder), wanted)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=200, help="clips in each folder")
    parser.add_argument("--duration", type=float, default=10.0, help="s of a clip")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--memory", action="store_true", help="peaks of --pairs and ten times it")
    parser.add_argument("--folder", type=Path, help="where a temporary folder is made")
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    parser.add_argument("--side", help=argparse.SUPPRESS)
    return parser.parse_args()


# ------------------------------------------------------------------------ what is measured
def speed(folder: Path, wanted: argparse.Namespace) -> None:
    """Prints seconds of both sides, their ratio for a pair and for Figure 1, and the values."""
    _run("prepare", folder, wanted)
    plan = [("theirs", "generated"), ("ours", "generated"), ("ours", "reference")]
    plan += [("theirs", "reference")]
    took = {(who, side): _run(f"{who}_embed", folder, wanted, side) for who, side in plan}
    for stage in ("theirs_metrics", "ours_metrics", "ours_intervals", "ours_figure1"):
        took[stage, ""] = _run(stage, folder, wanted)
    for (stage, side), one in took.items():
        name = f"{stage}: features of {side}" if side else stage.replace("_", ": ")
        print(
            f"{name:34} {one['seconds']:8.1f} s, {one['cpu']:8.1f} s of CPU with imports, "
            f"{one['peak'] / 1e6:6.0f} MB"
        )
    _print_ratios(took)
    for metric, value in took["ours_metrics", ""]["values"].items():
        other = took["theirs_metrics", ""]["values"][metric]
        print(f"{metric:4} {value:.6g}, there {other:.6g}: {abs(value - other) / abs(other):.1e}")


def _print_ratios(took: dict) -> None:
    """Weights are loaded once a pair there, once a folder here: each folder is a job."""
    seconds = {key: one["seconds"] for key, one in took.items()}
    load = np.mean([took["theirs", side]["load"] for side in ("generated", "reference")])
    theirs = [seconds["theirs", side] - load for side in ("generated", "reference")]
    ours = [seconds["ours", side] for side in ("generated", "reference")]
    pair = load + sum(theirs) + seconds["theirs_metrics", ""]
    here = sum(ours) + seconds["ours_metrics", ""]
    print(f"a pair of folders: {pair:.1f} s there, {here:.1f} s here, {pair / here:.2f} times")
    mixtures = len(KINDS) * SHARES
    figure = load + (mixtures + REFERENCES) * np.mean(theirs)
    figure += mixtures * seconds["theirs_metrics", ""]
    here = (len(KINDS) + REFERENCES) * np.mean(ours) + seconds["ours_figure1", ""]
    print(
        f"Figure 1, from these parts: {figure:.0f} s there ({mixtures} mixtures and {REFERENCES} "
        f"references embedded and scored), {here:.0f} s here ({len(KINDS)} and {REFERENCES} "
        f"embedded; {ORDERS} orders with bands), {figure / here:.1f} times"
    )


def memory(folder: Path, wanted: argparse.Namespace) -> None:
    """Prints the peak memory of each stage of ours, with `pairs` and with ten times as many."""
    peaks: dict[str, list[int]] = {}
    for pairs in (wanted.pairs, 10 * wanted.pairs):
        place = folder / str(pairs)
        place.mkdir()
        wanted.pairs = pairs
        _run("prepare", place, wanted)
        for side in ("generated", "reference"):
            peak = _run("ours_embed", place, wanted, side)["peak"]
            peaks.setdefault(f"features of {side}", []).append(peak)
        for stage in ("ours_metrics", "ours_intervals", "ours_figure1"):
            peaks.setdefault(stage, []).append(_run(stage, place, wanted)["peak"])
        shutil.rmtree(place)
    for stage, (few, many) in peaks.items():
        print(f"{stage:24} {few / 1e6:8.0f} MB {many / 1e6:8.0f} MB {many / few:6.2f} times")


def _run(stage: str, folder: Path, wanted: argparse.Namespace, side: str = "") -> dict:
    """A stage in a process of its own."""
    command = [sys.executable, __file__, "--stage", stage, "--folder", str(folder)]
    command += ["--side", side, "--duration", str(wanted.duration)]
    command += ["--threads", str(wanted.threads), "--pairs", str(wanted.pairs)]
    numbers = {f"{kind}_NUM_THREADS": str(wanted.threads) for kind in ("OMP", "MKL", "OPENBLAS")}
    done = subprocess.run(
        command, env=os.environ | numbers, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def _measured(wanted: argparse.Namespace) -> dict:
    found = STAGES[wanted.stage](wanted.folder, wanted.side, wanted)
    unit = 1 if sys.platform == "darwin" else 1024
    used = resource.getrusage(resource.RUSAGE_SELF)
    return found | {"cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss * unit}


# ------------------------------------------------------------------------------ the stages
def prepare(folder: Path, side: str, wanted: argparse.Namespace) -> dict:
    """Weights and clips; here too, for a process inherits the peak of the one that starts it."""
    make_weights(folder)
    for name in ("generated", "reference"):
        make_clips(folder / name, wanted.pairs, wanted.duration)
    return {}


def theirs_embed(folder: Path, side: str, wanted: argparse.Namespace) -> dict:
    import audioldm_eval_procedure as procedure
    import torch

    torch.set_num_threads(wanted.threads)
    start = time.perf_counter()
    networks = procedure.load_networks(*(folder / f"weights/{name}.pth" for name in BACKBONES))
    load = time.perf_counter() - start
    np.savez(folder / f"{side}.npz", **procedure.embed(folder / side, *networks))
    return {"seconds": time.perf_counter() - start, "load": load}


def ours_embed(folder: Path, side: str, wanted: argparse.Namespace) -> dict:
    import torch

    from audioldm_bench.features.extract import extract_features

    torch.set_num_threads(wanted.threads)
    start = time.perf_counter()
    extract_features(
        folder / side,
        _stores(folder, side),
        {name: folder / f"weights/{name}.pth" for name in BACKBONES},
        nominal_duration=wanted.duration,
        minimum_duration=CONFIG["minimum_duration"],
        state=folder / f"state-{side}",
    )
    return {"seconds": time.perf_counter() - start}


def theirs_metrics(folder: Path, side: str, wanted: argparse.Namespace) -> dict:
    import audioldm_eval_procedure as procedure

    start = time.perf_counter()
    sides = [dict(np.load(folder / f"{name}.npz")) for name in ("generated", "reference")]
    values = procedure.metrics(*sides)
    return {"seconds": time.perf_counter() - start, "values": values}


def ours_metrics(folder: Path, side: str, wanted: argparse.Namespace, replicates: int = 0) -> dict:
    from audioldm_bench.evaluation.system import evaluate_system

    config = CONFIG | {"bootstrap": CONFIG["bootstrap"] | {"replicates": replicates}}
    stores = [_stores(folder, name) for name in ("generated", "reference")]
    start = time.perf_counter()
    record = evaluate_system(*stores, None, folder / "metrics.json", metrics_config=config)
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "values": {name: record[name] for name in ("fd", "is", "kl", "fad")},
    }


def ours_intervals(folder: Path, side: str, wanted: argparse.Namespace) -> dict:
    return ours_metrics(folder, side, wanted, replicates=REPLICATES)


def ours_figure1(folder: Path, side: str, wanted: argparse.Namespace) -> dict:
    """The work of all four panels, on the same two folders."""
    from audioldm_bench.evaluation.figure1 import write_figure1

    pair = tuple(_stores(folder, name) for name in ("generated", "reference"))
    start = time.perf_counter()
    write_figure1(
        dict.fromkeys(KINDS, pair),
        folder / "fig1.csv",
        {"csv": folder / "fig1_claims.csv"},
        metrics_config=CONFIG,
        shares=SHARES,
        orders=ORDERS,
        seed=0,
    )
    return {"seconds": time.perf_counter() - start}


STAGES = {
    stage.__name__: stage
    for stage in (
        prepare,
        theirs_embed,
        ours_embed,
        theirs_metrics,
        ours_metrics,
        ours_intervals,
        ours_figure1,
    )
}


def _stores(folder: Path, side: str) -> dict[str, Path]:
    return {name: folder / f"{side}-{name}.h5" for name in BACKBONES}


# ------------------------------------------------------------------------ what they work on
def make_clips(folder: Path, number: int, duration: float) -> None:
    """Tones in noise, each with an envelope, pitches and a level of its own."""
    from audioldm_bench import audio
    from audioldm_bench.seeds import derive

    folder.mkdir()
    time_axis = np.arange(round(duration * RATE)) / RATE
    for clip in range(number):
        rng = np.random.default_rng(derive(0, folder.name, clip))
        envelope = np.abs(np.sin(np.pi * rng.uniform(0.2, 3) * time_axis + rng.uniform(0, np.pi)))
        tones = sum(np.sin(2 * np.pi * pitch * time_axis) for pitch in rng.uniform(60, 6000, 4))
        noise = rng.standard_normal(len(time_axis))
        sound = envelope * (rng.uniform(0, 0.2) * tones + rng.uniform(0.01, 0.2) * noise)
        audio.write(folder / f"clip{clip:05d}.wav", sound, RATE)


def make_weights(folder: Path) -> None:
    """Both networks as their published files are, with norms that are not the identity."""
    import torch

    from audioldm_bench.features.panns import build_cnn14
    from audioldm_bench.features.vggish import build_vggish

    (folder / "weights").mkdir()
    torch.manual_seed(0)
    cnn14, vggish = build_cnn14(), build_vggish()
    with torch.no_grad():
        for module in (*cnn14.modules(), *vggish.modules()):
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.1)
            elif isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
                torch.nn.init.kaiming_normal_(module.weight)  # so that clips differ at the end
    torch.save({"model": cnn14.state_dict()}, folder / "weights/panns_cnn14_16k.pth")
    torch.save(vggish.state_dict(), folder / "weights/vggish.pth")


if __name__ == "__main__":
    main()
