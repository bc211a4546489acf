"""Small datasets on disk, sound or troubled, and a check of them."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from audioldm_bench.data_checks.check import check_data
from audioldm_bench.data_checks.findings import Finding, Settings
from audioldm_bench.datasets.prepare import make_manifest, resample_shard
from audioldm_bench.files import read_json

RATE, DURATION = 16000, 2.0
MEL = {"n_fft": 1024, "hop_length": 160, "win_length": 1024, "n_mels": 64, "f_min": 0}
MEL["f_max"] = 8000
SETTINGS = Settings(
    dataset="mine",
    sample_rate=RATE,
    duration=DURATION,
    nominal_duration=DURATION,
    caption_template="{caption}",
    trained=True,
    validation=False,
)
SPLIT = {"kind": "official", "evaluation": 0, "validation": 0, "evaluation_folds": []}
DATASET = {"adapter": "table", "table": "sounds.csv", "shards": 2, "evaluation_list": None}
DATASET["split"] = SPLIT | {"stratify": False}


def sound(number: int, seconds: float = DURATION) -> np.ndarray:
    """(T,) bursts of noise and gliding tones, another for each number; peak 0.5."""
    draw = np.random.default_rng(number)
    time = np.arange(round(seconds * RATE)) / RATE
    out = 0.02 * draw.standard_normal(len(time))
    for _ in range(max(4, round(4 * seconds))):
        start, pitch = draw.uniform(0, seconds), draw.uniform(150, 5000)
        shape = np.exp(-draw.uniform(4, 20) * np.maximum(time - start, 0)) * (time >= start)
        tone = np.sin(2 * np.pi * pitch * (time + draw.uniform(-0.3, 0.3) * time**2))
        out += shape * (tone + 0.3 * draw.standard_normal(len(time)))
    return (0.5 * out / np.abs(out).max()).astype(np.float32)


class World:
    """A folder with sounds and their csv."""

    def __init__(self, folder: Path):
        self.root, self.rows = folder / "data", []
        self.work = folder / "study"
        self.root.mkdir(parents=True)

    def add(self, name, samples, split, caption="a dog barking", label="dog", rate=RATE, **more):
        """Writes the sound, if there is any, and its row."""
        path = self.root / name
        if samples is not None:
            soundfile.write(path, samples, rate, **more)
        row = {"file": name, "caption": caption, "label": label, "split": split}
        self.rows.append(row)
        return path

    def copy(self, name, of, split, **more):
        shutil.copyfile(self.root / of, self.add(name, None, split, **more))

    def prepare(self) -> None:
        with open(self.root / "sounds.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, self.rows[0])
            writer.writeheader()
            writer.writerows(self.rows)
        manifest, missing = self.work / "manifest.csv", self.work / "missing.csv"
        made = {"manifest_path": manifest, "missing_path": missing}
        make_manifest(self.root, DATASET, dataset="mine", seed=0, **made)
        audio = {"sample_rate": RATE, "duration": DURATION, "resampler": "sinc_hann"}
        for number in range(DATASET["shards"]):
            state = self.work / "state" / str(number)
            out = self.work / f"shard-{number}.h5"
            resample_shard(
                manifest, self.root, number, out, audio_config=audio, seed=0, state=state
            )

    def check(self, **settings) -> dict[str, Finding]:
        """The findings by kind; checks.json and check.html stand in `work`."""
        found = check_data(
            self.work / "manifest.csv",
            self.work / "missing.csv",
            [self.work / f"shard-{number}.h5" for number in range(DATASET["shards"])],
            self.root,
            settings=replace(SETTINGS, **settings),
            mel=MEL,
            checks_path=self.work / "checks.json",
            page_path=self.work / "check.html",
            state=self.work / "checking",
        )
        assert len({finding.kind for finding in found}) == len(found)
        return {finding.kind: finding for finding in found}

    @property
    def checks(self) -> dict:
        return read_json(self.work / "checks.json")

    @property
    def page(self) -> str:
        return (self.work / "check.html").read_text(encoding="utf-8")


CLASSES = {"dog": "a dog barking", "rain": "heavy rain", "siren": "a siren & <horn>"}


def fill(world: World, per_class: int = 6, evaluated: int = 5) -> None:
    """Clips that nothing is wrong with: train-<class>-<n>.wav and evaluation-<class>-<n>.wav."""
    for place, (label, caption) in enumerate(CLASSES.items()):
        for split, number in (("train", per_class), ("evaluation", evaluated)):
            for n in range(number):
                seed = 1000 * place + 100 * (split == "train") + n
                words = f"{caption}, {n}"
                world.add(f"{split}-{label}-{n}.wav", sound(seed), split, words, label)


def trouble(world: World) -> None:
    """One clip or more of every kind of trouble."""
    draw = np.random.default_rng(5)
    world.copy("copy.wav", "train-dog-0.wav", "evaluation")
    world.copy("twin.wav", "train-rain-1.wav", "train", label="rain")
    later = np.concatenate([np.zeros(3200, np.float32), 0.2 * sound(101)])[: 2 * RATE]
    world.add("again.ogg", later, "evaluation", format="OGG", subtype="VORBIS")
    world.add("quiet.wav", 4e-4 * sound(50), "train", subtype="PCM_16")
    world.add("zeros.wav", np.zeros(RATE, np.float32), "train")
    world.add("hot.wav", np.clip(9 * sound(51), -1, 1), "train")
    world.add("tick.wav", sound(52, 0.3), "train")
    world.add("nearly.wav", sound(53, 1.7), "train")
    world.add("long.wav", sound(54, 30.0), "train")
    world.copy("long-copy.wav", "long.wav", "evaluation")
    world.add("dull.wav", sound(55)[::2], "train", rate=8000)
    world.add("stereo.wav", np.stack([sound(56), sound(57)], axis=1), "train")
    world.add("gone.wav", None, "train")
    (world.root / "broken.wav").write_bytes(draw.bytes(5000))
    world.add("broken.wav", None, "evaluation")
    world.add("nameless.wav", sound(58), "train", caption="N/A")
    world.add("rec_0017.wav", sound(59), "train", caption="rec_0017")
    world.add("owl.wav", sound(60), "evaluation", caption="an owl", label="owl")
    world.add("bell.wav", sound(61), "train", caption="a bell", label="bell")
    click = np.zeros(2 * RATE, np.float32)
    click[:800] = sound(62)[:800]
    world.add("click.wav", click, "train", caption="a click", label="bell")
