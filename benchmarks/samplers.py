"""The metrics of samplers side by side, with a finished study's own pre-trained model.

    python benchmarks/samplers.py results/mini --config config/mini.yaml

The evaluation clips of each dataset are sampled from text with every sampler and every seed, and
scored against the study's real clips; the study itself is only read. A sampler is written
<name>:<steps>:<eta>. Writes clips, features and metrics of each, and samplers.csv, to `--out`;
killed, it goes on where it was. Another config needs another `--out`.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from plan import ROOT, merged

from audioldm_bench.config import check_config, load_schema
from audioldm_bench.diffusion.sampling import sample_system
from audioldm_bench.evaluation.system import evaluate_system
from audioldm_bench.features.extract import extract_features
from audioldm_bench.files import read_json, write_atomically

SAMPLERS = ["ddim:200:1.0", "ddim:200:0.0", "ddim:25:0.0", "dpm_solver_pp:25:0.0"]
METRICS = ("fd", "fad", "is", "kl")


@dataclass(frozen=True)
class Study:
    """Where a finished study has what is needed here."""

    folder: Path  # results/<study>
    config: Mapping

    @property
    def backbones(self) -> list[str]:
        return sorted({self.config["metrics"][name] for name in METRICS})

    def model(self, component: str) -> Path:
        if self.config["models"]["source"] == "trained":
            return self.folder / "models" / component
        checkpoint = self.config["models"]["published"]["checkpoint"]
        return self.folder.parents[1] / "resources/models" / checkpoint / component

    def weights(self, backbone: str) -> Path:
        if backbone in ("tagger", "embedder"):
            return self.folder / "models" / backbone
        return self.folder.parents[1] / f"resources/backbones/{backbone}.pth"

    def features(self, dataset: str) -> dict[str, Path]:
        real = self.folder / "systems" / dataset / "real/features"
        return {name: real / f"{name}.h5" for name in self.backbones}


def read_config(study: Path, changes: list[Path]) -> dict:
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    for path in changes:
        config = merged(config, yaml.safe_load(path.read_text(encoding="utf-8")))
    schema = load_schema(ROOT / "workflow/schemas/config.schema.yaml")
    check_config(config, schema, study.resolve().parents[1])
    return config


def score(study: Study, dataset: str, sampler: str, seed: int, out: Path, threads: int) -> dict:
    """The metrics of one sampler on one dataset; "seconds" of its sampling, if it was made now."""
    name, steps, eta = sampler.split(":")
    changes = {"sampler": name, "steps": int(steps), "eta": float(eta)}
    config, place = study.config["datasets"][dataset], out / dataset / f"{sampler}-{seed}"
    data, begin = study.folder / "data" / dataset, time.perf_counter()
    if not (place / "clips.json").exists():
        sample_system(
            place / "clips",
            place / "clips.json",
            system=sampler,
            dataset=dataset,
            condition="text",
            unet_folder=study.model("unet"),
            vae_folder=study.model("vae"),
            vocoder_folder=study.model("vocoder"),
            clap_folder=study.model("clap"),
            manifest_path=data / "manifest.csv",
            audio_shards=sorted((data / "audio").glob("shard-*.h5")),
            clap_shards=[],
            text_path=data / "text.h5",
            generated_duration=config["generated_duration"],
            sampling_config=study.config["sampling"] | changes,
            diffusion_config=study.config["diffusion"],
            seed=seed,
            state=place / "state",
            progress_every=30.0,
            threads=threads,
        )
    seconds = time.perf_counter() - begin
    features = {backbone: place / f"features/{backbone}.h5" for backbone in study.backbones}
    extract_features(
        place / "clips",
        features,
        {backbone: study.weights(backbone) for backbone in study.backbones},
        nominal_duration=config["nominal_duration"],
        minimum_duration=study.config["metrics"]["minimum_duration"],
        state=place / "state-features",
    )
    evaluate_system(
        features,
        study.features(dataset),
        place / "clips.json",
        place / "metrics.json",
        metrics_config=study.config["metrics"] | {"also": []},  # of METRICS' backbones alone
    )
    found = read_json(place / "metrics.json")
    row = {"dataset": dataset, "sampler": sampler, "seed": seed, "n": found["n"]}
    return row | {key: found[key] for key in METRICS} | {"seconds": round(seconds, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path, help="its folder, results/<study>")
    parser.add_argument("--config", type=Path, nargs="*", default=[], help="as --configfile")
    parser.add_argument("--samplers", nargs="+", default=SAMPLERS)
    parser.add_argument("--datasets", nargs="+", help="default: those of Table I")
    parser.add_argument("--seeds", type=int, nargs="+", help="default: the study's")
    parser.add_argument("--out", type=Path, help="default: <study>/samplers")
    parser.add_argument("--threads", type=int, default=2)
    wanted = parser.parse_args()
    study = Study(wanted.study.resolve(), read_config(wanted.study, wanted.config))
    out = wanted.out or study.folder / "samplers"
    rows = [
        score(study, dataset, sampler, seed, out, wanted.threads)
        for dataset in wanted.datasets or study.config["table1"]["datasets"]
        for seed in wanted.seeds or [study.config["seed"]]
        for sampler in wanted.samplers
    ]
    with write_atomically(out / "samplers.csv") as draft, open(draft, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    print(f"| dataset | sampler | clips | {' | '.join(METRICS)} |\n|---|---|---:|{'---:|' * 4}")
    for dataset, sampler in dict.fromkeys((row["dataset"], row["sampler"]) for row in rows):
        same = [r for r in rows if (r["dataset"], r["sampler"]) == (dataset, sampler)]
        means = " | ".join(f"{statistics.mean(r[key] for r in same):.4g}" for key in METRICS)
        print(f"| {dataset} | {sampler} | {same[0]['n']} | {means} |")


if __name__ == "__main__":
    main()
