"""From a dataset's folder to its manifest, and from there to waveforms at the study's rate."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from audioldm_bench import audio, stages, store
from audioldm_bench.datasets.adapters import scan_dataset
from audioldm_bench.datasets.manifest import (
    SPLITS,
    Clip,
    clips_of,
    read_missing,
    write_manifest,
    write_missing,
)
from audioldm_bench.datasets.splits import assign_splits
from audioldm_bench.errors import UserError
from audioldm_bench.progress import Progress
from audioldm_bench.resume import fingerprint
from audioldm_bench.seeds import derive

SHORTEST = 0.05  # s; less is no sound to learn from, and shorter than the mel's padding
FETCH_FAILURES = "missing.csv"  # in the dataset's folder: what could not be fetched, and why


def make_manifest(
    root: Path,
    dataset_config: dict,
    *,
    dataset: str,
    seed: int,
    manifest_path: Path,
    missing_path: Path,
) -> dict[str, int]:
    """Writes manifest.csv (clips that are there) and missing.csv; gives the counts by kind.

    Splits are drawn before the missing clips are taken out, so that a clip that vanishes moves no
    other. Shards are contiguous in the order of clip ids. UserError when no sound file is there,
    when none is left to evaluate, or when there are more shards than clips.
    """
    root = Path(root)
    scanned = scan_dataset(root, dataset_config)
    clips = assign_splits(scanned, dataset_config["split"], derive(seed, "split", dataset))
    present = [clip for clip in clips if (root / clip.file).is_file()]
    _refuse_empty(root, dataset, clips, present)
    failures = root / FETCH_FAILURES
    reasons = read_missing(failures) if failures.is_file() else {}
    there = {clip.clip_id for clip in present}
    absent = [
        (clip.clip_id, clip.file, clip.split, reasons.get(clip.clip_id, "file not found"))
        for clip in clips
        if clip.clip_id not in there
    ]
    write_missing(missing_path, absent)
    write_manifest(manifest_path, _in_shards(present, dataset_config["shards"], dataset))
    return _told(dataset, present, missing=len(absent), left_out=len(scanned) - len(clips))


def _refuse_empty(root: Path, dataset: str, clips: Sequence[Clip], present: Sequence[Clip]) -> None:
    if not present:
        raise UserError(
            f"datasets.{dataset}: none of its {len(clips)} sound files is in {root}"
            f" (for one, {clips[0].file}); set `folder` to where the sound is, or fetch it"
        )
    if not any(clip.split == "evaluation" for clip in present):
        raise UserError(
            f"datasets.{dataset}: no sound file of its evaluation split is in {root}; fetch the"
            " sound of the evaluation clips, or choose another split"
        )


def _in_shards(clips: Sequence[Clip], shards: int, dataset: str) -> list[Clip]:
    if not 1 <= shards <= len(clips):
        raise UserError(
            f"datasets.{dataset}.shards: {shards} is not between 1 and the number of clips that"
            f" are there, {len(clips)}"
        )
    return [replace(clip, shard=number * shards // len(clips)) for number, clip in enumerate(clips)]


def _told(dataset: str, clips: Sequence[Clip], **others: int) -> dict[str, int]:
    counts = Counter(clip.split for clip in clips)
    told = {split: counts[split] for split in SPLITS} | others
    words = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in told.items())
    print(f"[manifest {dataset}] {words}", file=sys.stderr, flush=True)
    return told


def resample_shard(
    manifest_path: Path,
    root: Path,
    shard: int,
    out_path: Path,
    *,
    audio_config: dict,
    seed: int,
    state: Path,
    clips_per_part: int = 64,
    progress_every: float = 30.0,
) -> None:
    """Writes the store of one shard: "waveform", ragged float32, first channel, not normalised.

    A clip longer than audio.duration is cut to a segment of that length, drawn by (seed, clip id)
    (the authors draw it anew at each use, which a cache cannot). Set aside, with the reason: clips
    that are unreadable, empty, non-finite, shorter than 0.05 s, or digital silence (a constant,
    which no level can be given to). UserError when a file has gone, or no clip is usable.
    """
    root = Path(root)
    clips = {clip.clip_id: clip for clip in clips_of(Path(manifest_path), shard=shard)}
    if not clips:
        raise UserError(f"{manifest_path}: it has no clips in shard {shard}; make it anew")
    work = fingerprint(
        version=stages.VERSIONS["resample"],
        audio=audio_config,
        seed=seed,
        clips_per_part=clips_per_part,
        clips=[_identity(root, clip) for clip in clips.values()],
    )

    def compute(ids: list[str]) -> store.Part:
        return _part(root, [clips[clip_id] for clip_id in ids], audio_config, seed)

    store.build_store(
        Path(out_path),
        list(clips),
        compute,
        state=Path(state),
        fingerprint=work,
        part_size=clips_per_part,
        progress=Progress(f"resample shard {shard}", len(clips), every=progress_every),
        attrs={"sample_rate": audio_config["sample_rate"]},
    )
    _refuse_unusable(Path(out_path), root)


def _identity(root: Path, clip: Clip) -> list:
    """The clip as far as its waveform goes."""
    try:
        status = (root / clip.file).stat()
    except OSError:
        raise UserError(
            f"{root / clip.file}: this file is in the manifest and not there any more; put it"
            " back, or delete the manifest so that it is made anew"
        ) from None
    return [clip.clip_id, clip.file, clip.start, clip.end, status.st_size, status.st_mtime_ns]


def _refuse_unusable(path: Path, root: Path) -> None:
    with store.Store(path) as made:
        kept, rejected = len(made), made.rejected
    if not kept:
        path.unlink()
        name, reason = next(iter(rejected.items()))
        raise UserError(
            f"{root}: none of {len(rejected)} clips of this shard can be used ({name}: {reason});"
            " convert the files to wav, flac or ogg"
        )


def _part(root: Path, clips: Sequence[Clip], audio_config: dict, seed: int) -> store.Part:
    waveforms: dict[str, np.ndarray] = {}
    rejected: dict[str, str] = {}
    for clip in clips:
        try:
            waveforms[clip.clip_id] = _waveform(root, clip, audio_config, seed)
        except audio.AudioError as error:
            # without the root, so that two machines give the same bytes
            rejected[clip.clip_id] = str(error).replace(f"{root}/", "")
    return store.Part(list(waveforms), {"waveform": list(waveforms.values())}, rejected)


def _waveform(root: Path, clip: Clip, audio_config: dict, seed: int) -> np.ndarray:
    """(T,) float32 at the study's rate. AudioError with the reason when it cannot be used."""
    samples, rate = audio.read(root / clip.file, clip.start, clip.end)
    if len(samples) < SHORTEST * rate:
        raise audio.AudioError(f"shorter than {SHORTEST} s")
    longest = round(audio_config["duration"] * rate)
    if len(samples) > longest:
        offset = derive(seed, "segment", clip.clip_id) % (len(samples) - longest + 1)
        samples = samples[offset : offset + longest]
    if np.ptp(samples) == 0:
        raise audio.AudioError("silent")
    target = audio_config["sample_rate"]
    return audio.resample(samples, rate, target)[: round(audio_config["duration"] * target)]
