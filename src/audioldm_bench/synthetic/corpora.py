"""Writes synthetic corpora in the layouts of ESC-50, UrbanSound8K, AudioCaps and AudioSet.

They stand where the downloads stand: the adapters that read the originals read these. `clips`:

  layout        keys (classes: null for all, or a list)
  esc50         classes (ESC-50 categories), per_class
  urbansound8k  classes (UrbanSound8K classes), per_class
  audiocaps     classes (families), train, validation, evaluation (clips)
  audioset      classes (families), train, evaluation (clips)
"""

from __future__ import annotations

import math
import shutil
import wave
from pathlib import Path

import numpy as np

from audioldm_bench.errors import UserError
from audioldm_bench.files import replace_folder
from audioldm_bench.progress import Progress
from audioldm_bench.resume import clear_state, fingerprint, resume_state, was_finished
from audioldm_bench.synthetic.families import choose
from audioldm_bench.synthetic.layouts import PLANS, Corpus

SHORTEST, LONGEST = 1.0, 60.0  # s
MOST = {"per_class": 5000}  # the recordings' numbers have room for no more


def write_corpus(
    root: Path,
    layout: str,
    *,
    clips: dict,
    duration: float,
    seed: int,
    state: Path | None = None,
    progress_every: float = 30.0,
) -> None:
    """Writes the corpus folder `root`, whole or not at all; equal settings give equal bytes.

    layout: esc50 | urbansound8k | audiocaps | audioset; clips: see the module; duration in s.
    `state` is the working folder, beside `root` by default. Raises UserError for bad settings.
    """
    corpus = plan_corpus(layout, clips=clips, duration=duration, seed=seed)
    root = Path(root)
    state = root.with_name(f".{root.name}.state") if state is None else Path(state)
    work_name = fingerprint(layout=layout, clips=dict(clips), duration=duration, seed=seed)
    with resume_state(state, work_name) as folder:
        if was_finished(folder) and root.exists():
            return
        work = folder / "corpus"
        if work.exists():  # what a killed run left: cheaper made anew than checked
            shutil.rmtree(work)
        _write(work, layout, corpus, progress_every)
        replace_folder(work, root)
        clear_state(folder)


def plan_corpus(layout: str, *, clips: dict, duration: float, seed: int) -> Corpus:
    """The clips and tables of a corpus, before any sound is made. Raises UserError."""
    if layout not in PLANS:
        raise UserError(f"synthetic layout {layout!r} is unknown; choose from {', '.join(PLANS)}")
    plan, least = PLANS[layout]
    _check_keys(layout, clips, least)
    if not _is_number(duration) or not SHORTEST <= duration <= LONGEST:
        raise UserError(
            f"duration: {duration!r}; a synthetic clip takes {SHORTEST:g} to {LONGEST:g} s"
        )
    families = choose(layout, clips.get("classes"))
    counts = {key: clips[key] for key in least}
    return plan(families, **counts, duration=float(duration), seed=seed)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _check_keys(layout: str, clips: dict, least: dict[str, int]) -> None:
    keys = ["classes", *least]
    if not isinstance(clips, dict):
        raise UserError(f"clips: {clips!r}; {layout} takes a table with the keys {', '.join(keys)}")
    for key in clips:
        if key not in keys:
            raise UserError(f"clips.{key}: {layout} has no such key; it takes {', '.join(keys)}")
    for key, lowest in least.items():
        if key not in clips:
            raise UserError(f"clips.{key}: missing; {layout} needs a number of clips here")
        value, most = clips[key], MOST.get(key, 100_000)
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= most:
            raise UserError(f"clips.{key}: {value!r} is not a whole number from {lowest} to {most}")


def _write(work: Path, layout: str, corpus: Corpus, progress_every: float) -> None:
    progress = Progress(f"{layout} (synthetic)", len(corpus.clips), every=progress_every)
    for done, clip in enumerate(corpus.clips, 1):
        path = work / clip.file
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_wav(path, clip.make(), clip.rate)
        progress.update(done)
    for name, text in corpus.tables.items():
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def _write_wav(path: Path, sound: np.ndarray, rate: int) -> None:
    """(T,) or (channels, T) in -1..1 as PCM16."""
    frames = np.atleast_2d(sound).T
    with wave.open(str(path), "wb") as file:
        file.setnchannels(frames.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(np.clip(frames, -1, 1) * 32767).astype("<i2").tobytes())
