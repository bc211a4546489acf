"""Features of a folder of clips: each clip is decoded once for all backbones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np

from audioldm_bench import audio
from audioldm_bench.errors import UserError
from audioldm_bench.features.base import Backbone
from audioldm_bench.features.registry import load_backbone
from audioldm_bench.files import file_sha256
from audioldm_bench.progress import Progress
from audioldm_bench.resume import clear_state, fingerprint, resume_state, was_finished
from audioldm_bench.stages import VERSIONS
from audioldm_bench.store import Part, Store, build_store

# Clips a forward pass. Fixed, and parts are whole batches, so that `clips_per_part` cannot change
# a bit of the features; larger ones are no faster on a CPU.
BATCH = 4


def extract_features(
    clips_folder: Path,
    outputs: Mapping[str, Path],
    backbones: Mapping[str, Path],
    *,
    nominal_duration: float,
    minimum_duration: float,
    state: Path,
    clips_per_part: int = 64,
    progress_every: float = 30.0,
) -> None:
    """Writes one store a backbone: `outputs` (HDF5 paths) and `backbones` (weights) by name.

    A row of "embedding", and of "logits" if the backbone classifies, for each wav of
    `clips_folder`, its id being the file's stem. Audio as in audioldm_eval: first channel, minus
    mean, resampled; then cut or padded to `nominal_duration`, and padded to `minimum_duration`
    (s). Clips that cannot be read are in the store's `rejected`, with the reason.
    """
    from audioldm_bench.features.weights import weights_sha256

    if set(outputs) != set(backbones):
        raise UserError(f"features: outputs {sorted(outputs)} but weights {sorted(backbones)}")
    clips = find_clips(clips_folder)
    audio_form = {"nominal_duration": nominal_duration, "minimum_duration": minimum_duration}
    weights = {name: weights_sha256(path) for name, path in sorted(backbones.items())}
    clip_list = clip_list_sha256({i: file_sha256(path) for i, path in clips.items()})
    part_size = -(-clips_per_part // BATCH) * BATCH
    work = fingerprint(
        version=VERSIONS["features"],
        weights=weights,
        clips=clip_list,
        part_size=part_size,
        **audio_form,
    )
    extractor = _Extractor(clips, backbones, **audio_form)
    with resume_state(state, work) as folder:
        if was_finished(folder) and all(Path(path).exists() for path in outputs.values()):
            return
        everything = folder / "features.h5"
        if not everything.exists():
            progress = Progress("features", len(clips), every=progress_every)
            parts = {"state": folder / "parts", "fingerprint": work, "part_size": part_size}
            build_store(everything, list(clips), extractor, progress=progress, **parts)
        for name, path in outputs.items():
            attrs = {"backbone": name, "weights_sha256": weights[name]}
            attrs |= {"clip_list_sha256": clip_list} | audio_form
            # Parts of the usual size, whatever `clips_per_part`: they decide the file's layout.
            parts = {"state": folder / f"of-{name}", "fingerprint": work}
            with Store(everything) as source:
                build_store(path, list(clips), _of_backbone(source, name), attrs=attrs, **parts)
        clear_state(folder)


def find_clips(folder: Path) -> dict[str, Path]:
    """The wav files of a folder by clip id (the stem), sorted by id."""
    wavs = [path for path in Path(folder).glob("*.wav") if not path.name.startswith(".")]
    found = {path.stem: path for path in wavs if path.is_file()}
    if not found:
        raise UserError(f"{folder}: no wav files in it; nothing to evaluate")
    return dict(sorted(found.items()))


def clip_list_sha256(sha256: Mapping[str, str]) -> str:
    """Over the ids of clips and the sha256 of their files, in the order of the ids."""
    lines = "".join(f"{clip_id}\0{digest}\n" for clip_id, digest in sorted(sha256.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def prepare_clip(
    path: Path, rates: Iterable[int], *, nominal_duration: float, minimum_duration: float
) -> dict[int, np.ndarray]:
    """A clip as the backbones hear it: float32 (T,) at each of `rates` (Hz). Raises AudioError."""
    samples, native_rate = audio.read(path)
    samples = samples - samples.mean()
    heard = {}
    for rate in rates:
        resampled = audio.fit(
            audio.resample(samples, native_rate, rate), round(nominal_duration * rate)
        )
        heard[rate] = audio.fit(resampled, max(len(resampled), round(minimum_duration * rate)))
    return heard


class _Extractor:
    """ids -> Part with the features of all backbones, in arrays named `<backbone>.<array>`."""

    def __init__(self, clips: Mapping[str, Path], weights: Mapping[str, Path], **durations: float):
        self.clips, self.weights, self.durations = clips, weights, durations

    @cached_property
    def backbones(self) -> list[Backbone]:
        """Loaded at first use: a resumed run may have nothing left to embed."""
        return [load_backbone(name, path) for name, path in sorted(self.weights.items())]

    def __call__(self, ids: list[str]) -> Part:
        rejected: dict[str, str] = {}
        kept: list[str] = []
        batches: list[dict[str, np.ndarray | list[np.ndarray]]] = []
        for first in range(0, len(ids), BATCH):
            waveforms = self._read(ids[first : first + BATCH], rejected)
            if waveforms:
                kept += waveforms
                batches.append(self._embed(list(waveforms.values())))
        names = batches[0] if batches else ()
        return Part(kept, {name: _join([b[name] for b in batches]) for name in names}, rejected)

    def _read(self, ids: list[str], rejected: dict[str, str]) -> dict[str, dict[int, np.ndarray]]:
        """Waveforms by id and sampling rate; clips that cannot be used go to `rejected`."""
        rates = {backbone.sample_rate for backbone in self.backbones}
        found = {}
        for clip_id in ids:
            try:
                found[clip_id] = prepare_clip(self.clips[clip_id], rates, **self.durations)
            except audio.AudioError as error:
                rejected[clip_id] = str(error)
        return found

    def _embed(self, clips: list[dict[int, np.ndarray]]) -> dict[str, np.ndarray | list]:
        import torch

        arrays: dict[str, np.ndarray | list] = {}
        for backbone in self.backbones:
            batch = np.stack([clip[backbone.sample_rate] for clip in clips])
            for array, rows in backbone.embed(torch.from_numpy(batch)).items():
                ragged = isinstance(rows, list)
                arrays[f"{backbone.name}.{array}"] = (
                    [row.numpy() for row in rows] if ragged else rows.numpy()
                )
        return arrays


def _join(batches: list) -> np.ndarray | list[np.ndarray]:
    """Batches of rows, or of ragged lists of rows, as one."""
    if isinstance(batches[0], list):
        return [row for batch in batches for row in batch]
    return np.concatenate(batches)


def _of_backbone(source: Store, backbone: str) -> Callable[[list[str]], Part]:
    """ids -> Part with one backbone's features, from the store that holds those of all."""
    rejected = source.rejected
    prefix = f"{backbone}."
    names = {name: name.removeprefix(prefix) for name in source.names if name.startswith(prefix)}

    def compute(ids: list[str]) -> Part:
        kept = [clip_id for clip_id in ids if clip_id in source]
        arrays: dict[str, np.ndarray | list[np.ndarray]] = {}
        for full, array in names.items() if kept else ():
            rows = [source.get(full, clip_id) for clip_id in kept]
            arrays[array] = np.stack(rows) if rows[0].ndim == 1 else rows  # (D,), or (n, D)
        return Part(kept, arrays, {i: rejected[i] for i in ids if i in rejected})

    return compute
