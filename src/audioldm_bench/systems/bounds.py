"""Floor and ceilings of a dataset, as systems like any other: what every table needs beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ..datasets.manifest import Clip, read_manifest
from ..files import read_json
from ..progress import Progress
from ..resume import clear_state, fingerprint, resume_state, was_finished
from ..stages import VERSIONS
from ..store import Store
from .ceiling import noise_like, shuffled_sources
from .floor import floor_sources
from .folder import wav_of, write_system

BOUNDS = ("floor", "ceiling-noise", "ceiling-shuffled")

# the clips' names, what is heard under each, and what clips.json says of it
_Bound = tuple[list[str], Callable[[str], np.ndarray], dict]


def make_bounds(
    manifest: Path,
    audio_shards: Sequence[Path],
    reference: Path,
    folders: Mapping[str, Path],
    *,
    dataset: str,
    seed: int,
    state: Path,
    progress_every: float,
) -> None:
    """Writes clips/*.wav and clips.json into each of `folders`, by the names of `BOUNDS`.

    The evaluation clips are those of `reference`, the clips.json of the real ones; the sounds are
    as they were resampled, as the real clips' are.
    """
    inputs = {"manifest": Path(manifest), "audio": [Path(p) for p in audio_shards]}
    work = fingerprint(version=VERSIONS["bounds"], seed=seed, real=Path(reference), **inputs)
    places = {name: Path(folders[name]) for name in BOUNDS}
    made = [place / name for place in places.values() for name in ("clips", "clips.json")]
    with resume_state(state, work) as folder, Store(audio_shards) as store:
        if was_finished(folder) and all(path.exists() for path in made):
            return
        evaluated, others = _clips(manifest, reference, store)
        for name, place in places.items():
            ids, sound, record = _bound(name, evaluated, others, store, seed)
            write_system(
                folder / name,
                place / "clips",
                place / "clips.json",
                ids=ids,
                write=wav_of(sound, store.attrs["sample_rate"]),
                record={"system": name, "dataset": dataset, "seed": seed, **record},
                progress=Progress(f"{name} {dataset}", len(ids), every=progress_every),
            )
        clear_state(folder)


def _clips(manifest: Path, reference: Path, store: Store) -> tuple[list[Clip], list[Clip]]:
    """The evaluation clips, and those of no evaluation that can be heard."""
    clips = read_manifest(manifest)
    real = set(read_json(reference)["clips"])
    evaluated = [clip for clip in clips if clip.clip_id in real]
    others = [clip for clip in clips if clip.split != "evaluation" and clip.clip_id in store]
    return evaluated, others


def _bound(
    name: str, evaluated: Sequence[Clip], others: Sequence[Clip], store: Store, seed: int
) -> _Bound:
    waveform = partial(store.get, "waveform")
    if name == "ceiling-noise":

        def noise(clip_id: str) -> np.ndarray:
            return noise_like(waveform(clip_id), clip_id, seed)

        return sorted(clip.clip_id for clip in evaluated), noise, {}
    if name == "floor":
        sources, counts = floor_sources(evaluated, others, seed)
    else:
        sources, counts = shuffled_sources(evaluated, seed)
    return list(sources), lambda i: waveform(sources[i]), {**counts, "sources": sources}
