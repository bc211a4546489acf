"""Which clips a synthetic corpus has: names, tables and sounds in the original layouts.

A clip's sound depends on (seed, layout, clip id) and the chosen classes, not on the counts: a
larger corpus holds the smaller one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from audioldm_bench.seeds import derive
from audioldm_bench.synthetic import signals
from audioldm_bench.synthetic.families import Family
from audioldm_bench.synthetic.scenes import captions, draw_scene, render_scene
from audioldm_bench.synthetic.sounds import render
from audioldm_bench.synthetic.voices import Rng

ESC10 = {
    "chainsaw", "clock_tick", "crackling_fire", "crying_baby", "dog",
    "helicopter", "rain", "rooster", "sea_waves", "sneezing",
}  # fmt: skip
RATE = 44100  # Hz, of all layouts but UrbanSound8K
US8K_RATES = (16000, 22050, 44100, 48000)
SHORTEST = 0.8  # s, of an UrbanSound8K slice
YOUTUBE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
CAPTIONS_PER_CLIP = {"train": 1, "val": 5, "test": 5}  # as in AudioCaps
PAIRS = {"audiocaps": 0.5, "audioset": 0.3}  # share of clips with two families
DISTANT = 0.2  # share of distant sounds among the others of AudioCaps


@dataclass(frozen=True)
class Clip:
    """One file to write: `make` gives float32 (T,), or (2, T) in stereo."""

    file: str
    rate: int
    make: Callable[[], np.ndarray]


@dataclass(frozen=True)
class Corpus:
    """The clips, and the text of each table by its path."""

    clips: list[Clip]
    tables: dict[str, str]


def _rng(seed: int, layout: str, *names: object) -> Rng:
    return np.random.default_rng(derive(seed, "synthetic", layout, *names))


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


# -------------------------------------------------------------------------------- ESC-50
def esc50(families: list[Family], *, per_class: int, duration: float, seed: int) -> Corpus:
    """per_class clips a class, spread evenly over 5 folds; one recording in three has 2 takes."""
    clips, rows = [], []
    for fold in range(1, 6):
        wanted = per_class // 5 + (fold <= per_class % 5)
        for family in families:
            for source, take in _takes(family, fold, wanted, seed):
                name, target = family.esc50
                file = f"{fold}-{source}-{take}-{target}.wav"
                rows.append((file, fold, target, name, name in ESC10, source, take))
                clips.append(_esc50_clip(family, file, source, duration, seed))
    header = ("filename", "fold", "target", "category", "esc10", "src_file", "take")
    return Corpus(clips, {"meta/esc50.csv": _table(header, sorted(rows))})


def _takes(family: Family, fold: int, wanted: int, seed: int) -> list[tuple[int, str]]:
    """(recording number, take) of `wanted` clips: of one class, in one fold."""
    found: list[tuple[int, str]] = []
    number = 100000 + (family.esc50[1] * 5 + fold - 1) * 1000
    while len(found) < wanted:
        takes = "AB" if derive(seed, "synthetic", "esc50", "takes", number) % 3 == 0 else "A"
        found += [(number, take) for take in takes]
        number += 1
    return found[:wanted]


def _esc50_clip(family: Family, file: str, source: int, duration: float, seed: int) -> Clip:
    def make() -> np.ndarray:
        recording = _rng(seed, "esc50", "recording", source)
        return render(family.name, _rng(seed, "esc50", file), duration, RATE, recording=recording)

    return Clip(f"audio/{file}", RATE, make)


# -------------------------------------------------------------------------- UrbanSound8K
@dataclass(frozen=True)
class _Recording:
    """What the slices of one freesound recording share."""

    fs_id: int
    fold: int
    rate: int
    channels: int
    salience: int  # 1 foreground, 2 background
    slices: int


def _recording(family: Family, number: int, seed: int) -> _Recording:
    class_id = family.urbansound8k[1]
    fs_id = 100000 + class_id * 10000 + number
    rng = _rng(seed, "urbansound8k", "recording", fs_id)
    return _Recording(
        fs_id=fs_id,
        fold=(number + class_id) % 10 + 1,
        rate=int(rng.choice(US8K_RATES)),
        channels=int(rng.integers(1, 3)),
        salience=1 if rng.random() < 0.8 else 2,
        slices=int(rng.integers(1, 4)),
    )


def urbansound8k(families: list[Family], *, per_class: int, duration: float, seed: int) -> Corpus:
    """per_class slices a class; 1 to 3 slices a recording, all in one of 10 folds."""
    clips, rows = [], []
    for family in families:
        name, class_id = family.urbansound8k
        kept = number = 0
        while kept < per_class:
            source = _recording(family, number, seed)
            for place in range(min(source.slices, per_class - kept)):
                file = f"{source.fs_id}-{class_id}-0-{place}.wav"
                length = _length(file, duration, seed)
                start = round(place * duration, 6)
                span = (float(start), round(start + length, 6))
                rows.append(
                    (file, source.fs_id, *span, source.salience, source.fold, class_id, name)
                )
                clips.append(_us8k_clip(family, file, source, length, seed))
                kept += 1
            number += 1
    header = ("slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class")
    return Corpus(clips, {"metadata/UrbanSound8K.csv": _table(header, sorted(rows))})


def _length(file: str, duration: float, seed: int) -> float:
    """Most slices are as long as allowed, three in ten are shorter."""
    rng = _rng(seed, "urbansound8k", "length", file)
    return duration if rng.random() < 0.7 else round(rng.uniform(SHORTEST, duration), 6)


def _us8k_clip(family: Family, file: str, source: _Recording, length: float, seed: int) -> Clip:
    def make() -> np.ndarray:
        rng = _rng(seed, "urbansound8k", file)
        sound = render(
            family.name, rng, length, source.rate,
            recording=_rng(seed, "urbansound8k", "place", source.fs_id),
            distant=source.salience == 2,
        )  # fmt: skip
        if source.channels == 1:
            return sound
        # The second microphone: a little later and weaker, with noise of its own.
        late = np.zeros_like(sound)
        signals.add(late, sound, 0.002 * rng.random(), source.rate, rng.uniform(0.5, 0.9))
        hiss = 0.003 * rng.standard_normal(len(sound))
        return np.stack([sound, (late + hiss).astype(np.float32)])

    return Clip(f"audio/fold{source.fold}/{file}", source.rate, make)


# --------------------------------------------------------------- AudioCaps and AudioSet
def youtube_id(layout: str, split: str, number: int, seed: int) -> str:
    """11 characters of YouTube's alphabet; one in eight begins with a dash, a known trap."""
    value = derive(seed, "synthetic", layout, "youtube", split, number)
    letters = [YOUTUBE[(value >> 6 * place) % 64] for place in range(10)]
    first = "-" if (value >> 60) % 8 == 0 else YOUTUBE[derive(seed, layout, value) % 64]
    return first + "".join(letters)


def _scenes(
    layout: str, split: str, families: list[Family], number: int, duration: float, seed: int
) -> Iterable[tuple[str, object, Clip]]:
    """`number` clips (YouTube id, scene, clip); each family comes first equally often."""
    distant = DISTANT if layout == "audiocaps" else 0.0
    for i in range(number):
        name = youtube_id(layout, split, i, seed)
        rng = _rng(seed, layout, "scene", name)
        first = families[i % len(families)]
        scene = draw_scene(rng, first, families, pairs=PAIRS[layout], distant=distant)

        def make(scene=scene, name=name) -> np.ndarray:
            return render_scene(scene, _rng(seed, layout, name), duration, RATE)

        yield name, scene, Clip(f"audio/Y{name}.wav", RATE, make)


def audiocaps(
    families: list[Family],
    *,
    train: int,
    validation: int,
    evaluation: int,
    duration: float,
    seed: int,
) -> Corpus:
    """train.csv with one caption a clip; val.csv and test.csv with five."""
    clips, tables = [], {}
    for split, number in {"train": train, "val": validation, "test": evaluation}.items():
        rows = []
        for i, (name, scene, clip) in enumerate(
            _scenes("audiocaps", split, families, number, duration, seed)
        ):
            clips.append(clip)
            start = 10 * (derive(seed, "audiocaps", "start", name) % 60)
            base = {"train": 0, "val": 500000, "test": 600000}[split]
            texts = captions(
                _rng(seed, "audiocaps", "caption", name), scene, CAPTIONS_PER_CLIP[split]
            )
            # As in the original, the captions of a clip do not stand together.
            rows += [(k, base + i * len(texts) + k, name, start, t) for k, t in enumerate(texts)]
        header = ("audiocap_id", "youtube_id", "start_time", "caption")
        tables[f"{split}.csv"] = _table(header, (row[1:] for row in sorted(rows)))
    return Corpus(clips, tables)


def audioset(
    families: list[Family], *, train: int, evaluation: int, duration: float, seed: int
) -> Corpus:
    """balanced_train and eval segments with one or two labels a clip, and the class table."""
    classes = "".join(
        f'{i},{family.audioset[0]},"{family.audioset[1]}"\n' for i, family in enumerate(families)
    )
    clips, tables = [], {"class_labels_indices.csv": "index,mid,display_name\n" + classes}
    for split, number in {"balanced_train": train, "eval": evaluation}.items():
        lines, labels = [], 0
        for name, scene, clip in _scenes("audioset", split, families, number, duration, seed):
            clips.append(clip)
            start = 10.0 * (derive(seed, "audioset", "start", name) % 60)
            mids = [family.audioset[0] for family in scene.families]
            labels += len(mids)
            lines.append(f'{name}, {start:.3f}, {start + duration:.3f}, "{",".join(mids)}"\n')
        head = [
            f"# Segments csv of synthetic sounds, seed {seed}\n",
            f"# num_ytids={number}, num_segs={number}, num_unique_labels={len(families)}, "
            f"num_positive_labels={labels}\n",
            "# YTID, start_seconds, end_seconds, positive_labels\n",
        ]
        tables[f"{split}_segments.csv"] = "".join(head + sorted(lines))
    return Corpus(clips, tables)


PLANS: dict[str, tuple[Callable[..., Corpus], dict[str, int]]] = {  # and the least of each count
    "esc50": (esc50, {"per_class": 1}),
    "urbansound8k": (urbansound8k, {"per_class": 1}),
    "audiocaps": (audiocaps, {"train": 1, "validation": 0, "evaluation": 1}),
    "audioset": (audioset, {"train": 1, "evaluation": 1}),
}
