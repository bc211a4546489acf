"""A made-up but plausible study on disk, with all that the report shows."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

from audioldm_bench import audio
from audioldm_bench.figures import make_figure1, make_figure2
from audioldm_bench.files import write_json
from audioldm_bench.labels import RUNS
from audioldm_bench.paper import TABLE1, TABLE2
from audioldm_bench.store import Part, build_store
from audioldm_bench.tables import make_benchmark_table, make_table1, make_table2

RATE = 16000
STEPS = (20000, 40000, 60000)
PROMPTS = ["dog", "rain & wind", "church bells <loud>", "siren", "dog", "keyboard typing"]
COMPONENTS = {
    "clap": [("class recall@1, text to audio", 0.71, 0.05, "", "higher")],
    "vae": [("log-mel mean absolute error", 0.214, None, "nats", "lower")],
    "vocoder": [("log-mel mean absolute error", 0.302, None, "nats", "lower")],
    "tagger": [
        ("accuracy", 0.83, 0.05, "", "higher"),
        ("mean average precision", 0.78, 0.07, "", "higher"),
    ],
}


def provenance(system: str, clips: list[str]) -> dict:
    return {
        "system": system,
        "seed": 0,
        "steps": 200,
        "guidance_scale": 2.5,
        "candidates": 3,
        "checkpoint_sha256": "c0ffee" * 10 + "abcd",
        "versions": {"audioldm-bench": "0.1.0", "torch": "2.13.0"},
        "sampler": "ddim",
        "prompts": dict(zip(clips, PROMPTS, strict=False)),
        "choices": {clip: {"scores": [0.5, 0.25, 0.125], "chosen": 0} for clip in clips},
    }


NAMES = {"fd": "fd_tagger", "is": "is_tagger", "kl": "kl_softmax_tagger", "fad": "fad_embedder"}
ALSO = ["kad_tagger", "clap_score_clap"]
# Floor and ceilings of every dataset: values that no system has.
BOUNDS = {
    "floor": {"fd": 0.5, "is": 29.0, "kl": 0.25, "fad": 0.75},
    "ceiling-noise": {"fd": 290.0, "is": 1.0, "kl": 5.0, "fad": 280.0},
    "ceiling-shuffled": {"fd": 0.0, "is": 28.0, "kl": 6.5, "fad": 0.0},
}


def around(value: float, share: float = 0.1) -> dict:
    return {"value": value, "low": (1 - share) * value, "high": (1 + share) * value, "n": 64}


def metrics_file(path: Path, values: dict, source: dict) -> Path:
    known = {m: values[m] for m in NAMES}
    about = {"names": NAMES, "n": 64, "clip_list_sha256": "ab" * 32, "provenance": source}
    # ours are a tenth from the paper's: beyond the interval, but for KL
    about |= {"values": {NAMES[m]: around(v, 0.2 if m == "kl" else 0.02) for m, v in known.items()}}
    about |= {"interval": {"method": "half-sampling", "replicates": 200, "level": 0.95, "seed": 7}}
    about |= {"versions": {"numpy": "9.8.7"}}
    about |= {"features": {"generated": {"tagger": {"weights_sha256": "f00d" * 16}}}}
    write_json(path, known | about)
    return path


def _bounds(root: Path, datasets) -> list:
    return [
        (d, name, metrics_file(root / d / f"{name}.json", values, {"seed": 0, "mode": "others"}))
        for d in dict.fromkeys(datasets)
        for name, values in BOUNDS.items()
    ]


def _comparison(path: Path) -> Path:
    """Two systems beyond chance apart, one within, and the bounds."""
    shared = {"n": 60, "provenance": provenance("x", [])}
    gaps = {
        "baseline-text": {},
        "my-model": {"difference": 0.25, "low": -1.5, "high": 2.0, "beyond_chance": False},
        "scratch-text-0040000": {
            "difference": 30.5,
            "low": 21.0,
            "high": 39.0,
            "beyond_chance": True,
        },
    }
    systems = {}
    for place, (name, behind) in enumerate(gaps.items()):
        values = {full: around(20.0 + 10 * place) for full in NAMES.values()}
        values |= {full: around(0.003 * (place + 1)) for full in ALSO}
        own = {
            "rank": place + 1,
            "values": values,
            "behind": {"fd_tagger": behind} if behind else {},
        }
        systems[name] = shared | own
    for name, own in BOUNDS.items():
        values = {NAMES[m]: around(v) for m, v in own.items()} | {f: around(0.5) for f in ALSO}
        systems[name] = shared | {"rank": None, "values": values, "behind": {}}
    record = {"n": 60, "rank_by": "fd_tagger", "selected_by": "fd", "clip_list_sha256": "cd" * 32}
    record |= {"metrics": [*NAMES.values(), *ALSO], "names": NAMES | {full: full for full in ALSO}}
    record |= {"interval": {"replicates": 200, "level": 0.95}, "systems": systems}
    lacks = {"missing_generated": [], "rejected_generated": {}}
    write_json(path, record | {"left_out": dict.fromkeys(systems, lacks)})
    return path


def _ranking(root: Path) -> Path:
    files = {d: _comparison(root / d / "comparison.json") for d in ("esc50", "audioset")}
    out = root / "tables" / "benchmark.csv"
    make_benchmark_table(files, {"csv": out}, labels={"my-model": "My model & co <1>"})
    return out


def tone(number: int, seconds: float) -> np.ndarray:
    """A decaying, gliding tone with some noise; another for each number."""
    draw = np.random.default_rng(number)
    time = np.arange(int(seconds * RATE)) / RATE
    glide = 2 * np.pi * (200 + 90 * number % 1800) * time * (1 + 0.2 * time)
    pulse = np.exp(-3 * (time % (0.3 + 0.05 * (number % 7))))
    return (0.4 * np.sin(glide) * pulse + 0.02 * draw.standard_normal(len(time))).astype("float32")


def _tables(root: Path) -> dict:
    one = [
        (d, c, metrics_file(root / "m1" / f"{d}-{c}.json", {k: v * 1.1 for k, v in row.items()},
                            provenance(f"baseline-{c}", [])))
        for (d, c), row in TABLE1.items()
    ]  # fmt: skip
    two, curves = [], []
    for (d, init, c), row in TABLE2.items():
        for step in STEPS:
            values = {k: v * (1 + abs(step - 40000) / 1e5 - 0.03) for k, v in row.items()}
            name = f"{init}-{c}-{step:07d}"
            path = metrics_file(root / "m2" / d / f"{name}.json", values, provenance(name, []))
            two.append((d, init, c, step, path))
            curves += [(init, c, step, path)] if d == "esc50" else []
    paths = {n: root / "tables" / f"{n}.csv" for n in ("table1", "table2")}
    bounds = _bounds(root / "bounds", [d for d, _ in TABLE1])
    make_table1(one, {"csv": paths["table1"]}, bounds=bounds)
    make_table2(two, {"csv": paths["table2"]}, select_by="fd", bounds=bounds)
    figures = _figures(root / "figures", curves)
    claims = _claims(root / "figures" / "fig1_claims.csv")
    metrics = [(d, f"baseline-{c}", path) for d, c, path in one]
    metrics += [(d, f"{i}-{c}-{step:07d}", path) for d, i, c, step, path in two]
    return {"tables": paths, "figures": figures, "claims": claims, "metrics": metrics + bounds}


def _figures(root: Path, curves: list) -> dict:
    lines = ["corruption,share,fd,is,kl,fad"]
    for strength, name in enumerate(["disorder", "interference", "mask", "noise"], 1):
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            k = strength * share
            lines.append(f"{name},{share},{5 + 9 * k},{9 - k},{0.6 * k},{3 * k}")
    root.mkdir(parents=True)
    (root / "fig1.csv").write_text("\n".join(lines) + "\n")
    make_figure1(root / "fig1.csv", {"svg": root / "fig1.svg"})
    make_figure2(curves, {"svg": root / "fig2.svg"})
    return {"figure1": root / "fig1.svg", "figure2": root / "fig2.svg"}


def _claims(path: Path) -> Path:
    head = "corruption,metric,paper,found,as_in_paper,change,change_low,change_high"
    lines = [
        head,
        "noise,fd,worse,worse,yes,36.5,30.0,43.0",
        "noise,is,worse,worse,yes,-4.0,-5.0,-3.0",
    ]
    lines += ["noise,kl,worse,flat,no,0.004,-0.001,0.009", "noise,fad,worse,worse,yes,12.0,,"]
    path.write_text("\n".join(lines) + "\n")
    return path


def _systems(root: Path, seconds: float) -> list:
    found = []
    for number, dataset in enumerate(["esc50", "audioset"]):
        names = ["real", "baseline-text", "baseline-audio", "corrupted-noise"]
        if dataset == "esc50":
            names += ["my-model"]
            names += [f"{init}-{c}-{step:07d}" for init, c in RUNS for step in STEPS[1:]]
        clips = [f"{dataset}-{i}" for i in range(len(PROMPTS))]
        for place, name in enumerate(names):
            folder = root / dataset / name / "clips"
            folder.mkdir(parents=True)
            for i, clip in enumerate(clips):
                audio.write(folder / f"{clip}.wav", tone(i + 7 * place + number, seconds), RATE)
            write_json(folder.parent / "clips.json", provenance(name, clips))
            if name != "real" and dataset == "esc50":
                _losers(folder.parent / "candidates", clips, seconds)
            found.append((dataset, name, folder))
    return found


def _losers(folder: Path, clips: list[str], seconds: float) -> None:
    """Two candidates a clip, of those that the report shows first and of some others."""
    folder.mkdir()
    for clip in clips:
        for number in (1, 2):
            audio.write(folder / f"{clip}-{number}.wav", tone(50 + number, seconds), RATE)


def _training(root: Path) -> list:
    found = []
    for dataset, init, condition in TABLE2:
        start = 0.9 if init == "scratch" else 0.35
        for first in (0, 20000):
            path = root / dataset / f"{init}-{condition}-{first}" / "training.csv"
            path.parent.mkdir(parents=True)
            rows = [
                f"{s},{0.15 + start * math.exp(-s / 9000) + 0.01 * math.sin(s)}"
                for s in range(first, first + 20000, 50)
            ]
            path.write_text("step,loss\n" + "\n".join(rows) + "\n")
            loss = 0.2 + first / 1e6 if dataset == "esc50" else None
            write_json(path.with_name("validation.json"), {"step": first + 20000, "loss": loss})
            found.append((dataset, init, condition, path))
    return found


def _components(root: Path) -> list[Path]:
    found = []
    for name, figures in COMPONENTS.items():
        keys = ("name", "value", "chance", "unit", "better")
        rows = [dict(zip(keys, figure, strict=True), n=128) for figure in figures]
        losses = [[i, 2.5 * math.exp(-i / 60) + 0.2] for i in range(200)]
        path = root / name / "quality.json"
        write_json(path, {"component": name, "figures": rows, "losses": losses})
        found.append(path)
    return found


def _clips(root: Path) -> dict:
    missing = root / "missing.csv"
    missing.parent.mkdir(parents=True)
    missing.write_text("clip_id,file,reason\nYabc,Yabc.wav,no longer on YouTube\n")
    shard = root / "shard-00000.h5"
    build_store(
        shard,
        ["a", "b"],
        lambda ids: Part(["a"], {"waveform": [np.zeros(4, np.float32)]}, {"b": "empty"}),
        state=root / "state",
        fingerprint="x",
    )
    none = root / "none.csv"
    none.write_text("clip_id,file,reason\n")
    return {
        "missing": [("audioset", missing), ("esc50", none)],
        "audio": [("esc50", [shard])],
    }


def _benchmarks(root: Path) -> list[Path]:
    head = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
    jobs = {
        "train/esc50-scratch-text.tsv": "95.2\t0:01:35\t1210.4\t1\t1\t1\t0\t0\t98\t93.5\n",
        "train/esc50-pretrained-text.tsv": "91.0\t0:01:31\t1250.0\t1\t1\t1\t0\t0\t98\t90.1\n",
        "sample/esc50.tsv": "41.7\t0:00:41\t980.0\t1\t1\t1\t0\t0\t98\t40.1\n",
        "table1.tsv": "0.3\t0:00:00\tNA\tNA\tNA\tNA\tNA\tNA\tNA\tNA\n",
    }
    for name, line in jobs.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(head + line)
    return [root / "*.tsv", root / "*/*.tsv"]


def build_study(root: Path, seconds: float = 0.4, sounds: int = 2) -> dict:
    """All arguments of write_report but the output."""
    mel = {"n_fft": 1024, "hop_length": 160, "n_mels": 64, "f_min": 0, "f_max": 8000}
    intervals = {"bootstrap": {"level": 0.95}}
    config = {
        "metrics": intervals,
        "study": "made-up",
        "seed": 0,
        "mel": mel,
        "note": "https://example.org/</script>",
    }
    return {
        "study": "made-up",
        "config": json.loads(json.dumps(config)),
        **_tables(root),
        "ranking": _ranking(root / "ranking"),
        "foreign": {"my-model": "My model & co <1>"},
        "components": _components(root / "models"),
        "systems": _systems(root / "systems", seconds),
        "runs": _training(root / "runs"),
        **_clips(root / "data"),
        "benchmarks": _benchmarks(root / "benchmarks"),
        "gpu_keys": {"train/*.tsv": "b", "sample/*.tsv": "a", "table1.tsv": None},
        "gpus": {"a": 1, "b": 2},
        "sounds_per_dataset": sounds,
    }
