"""Corrupted copies of the real clips, for the metrics' sensitivity (paper, section IV-B, Fig. 1).

Each clip is corrupted once; the shares of Fig. 1 are mixtures of corrupted and clean features
(`evaluation/curves.py`). What is drawn for a clip depends on the seed and its id alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from audioldm_bench import audio
from audioldm_bench.corruptions.interference import Interference
from audioldm_bench.corruptions.order import Composition
from audioldm_bench.corruptions.real import Corruption, RealClips, open_real_clips
from audioldm_bench.errors import UserError
from audioldm_bench.files import folder_sha256, replace_folder, write_atomically, write_json
from audioldm_bench.progress import Progress
from audioldm_bench.resume import clear_state, fingerprint, resume_state, was_finished
from audioldm_bench.stages import VERSIONS

SYSTEMS = {  # kind: the name of the system that it makes
    "vocoded": "vocoded",  # nothing wrong but the vocoder: the reference of `noise` and `mask`
    "noise": "corrupted-noise",
    "mask": "corrupted-mask",
    "interference": "corrupted-interference",
    "composed": "composed",  # nothing wrong with it: the reference of `disorder`
    "disorder": "corrupted-disorder",
}
SPECTRAL = ("vocoded", "noise", "mask")  # made in the log-mel domain


def corrupt_clips(
    real_clips_folder: Path,
    out_folder: Path,
    clips_json: Path,
    *,
    kind: str,
    manifest_path: Path,
    figure1_config: Mapping,
    mel_config: Mapping,
    vocoder_folder: Path | None,
    sample_rate: int,
    nominal_duration: float,
    seed: int,
    state: Path,
    progress_every: float = 30.0,
) -> None:
    """Writes a corrupted copy of each wav of `real_clips_folder`, of `nominal_duration` s.

    `kind` is one of `SYSTEMS`. Clips that cannot be corrupted (silent, unreadable) are left out
    and named in `clips_json` with the reason. `vocoder_folder` is needed by `SPECTRAL` kinds only,
    and not with figure1.resynthesis own_phase.
    """
    if kind not in SYSTEMS:
        raise UserError(f"figure1: unknown corruption '{kind}'; known are {', '.join(SYSTEMS)}")
    real = open_real_clips(real_clips_folder, manifest_path, sample_rate, nominal_duration)
    vocoder = _vocoder(kind, figure1_config, vocoder_folder)
    settings = {
        "version": VERSIONS["corrupt"],
        "figure1": dict(figure1_config),
        "mel": dict(mel_config),
        "sample_rate": sample_rate,
        "nominal_duration": nominal_duration,
        "seed": seed,
        "vocoder_sha256": folder_sha256(vocoder) if vocoder else None,
    }
    inputs = {"real": Path(real_clips_folder), "manifest": Path(manifest_path)}
    with resume_state(state, fingerprint(kind=kind, **inputs, **settings)) as folder:
        if was_finished(folder) and out_folder.exists() and clips_json.exists():
            return
        work = folder / "clips"
        work.mkdir(exist_ok=True)
        corrupt, notes = _corruption(kind, real, figure1_config, mel_config, vocoder, seed)
        progress = Progress(SYSTEMS[kind], len(real.files), every=progress_every)
        rejected = _write_all(corrupt, real, work, progress)
        made = [clip_id for clip_id in real.files if clip_id not in rejected]
        if not made:
            reason = next(iter(rejected.values()))
            raise UserError(f"figure1: {kind}: no clip of {real_clips_folder} will do ({reason})")
        record = {"system": SYSTEMS[kind], "corruption": kind, "n": len(made), "clips": made}
        write_json(clips_json, record | settings | notes | {"rejected": rejected})
        replace_folder(work, out_folder)
        clear_state(folder)


def _vocoder(kind: str, figure1: Mapping, folder: Path | None) -> Path | None:
    """The folder of the vocoder that this kind is heard through, if it is."""
    if kind not in SPECTRAL or figure1["resynthesis"] == "own_phase":
        return None
    if folder is None:
        raise UserError(
            f"figure1: {kind} needs a vocoder, and none was given; give one, or set "
            "figure1.resynthesis to own_phase"
        )
    return Path(folder)


def _write_all(
    corrupt: Corruption, real: RealClips, work: Path, progress: Progress
) -> dict[str, str]:
    """Writes what is not there yet; returns the reasons of clips that cannot be corrupted."""
    rejected: dict[str, str] = {}
    for leftover in work.glob(".*"):  # drafts of a killed run
        leftover.unlink()
    for number, clip_id in enumerate(real.files, 1):
        path = work / f"{clip_id}.wav"
        if not path.exists():
            try:
                samples = corrupt(clip_id)
            except audio.AudioError as error:
                rejected[clip_id] = str(error)
            else:
                with write_atomically(path) as draft:
                    audio.write(draft, audio.fit(samples, real.n_samples), real.rate)
        progress.update(number)
    return rejected


def _corruption(
    kind: str,
    real: RealClips,
    figure1: Mapping,
    mel: Mapping,
    vocoder_folder: Path | None,
    seed: int,
) -> tuple[Corruption, dict]:
    """The corruption of a kind, and what clips.json says about how it was made."""
    if kind in SPECTRAL:
        from audioldm_bench.corruptions.spectral import mel_corruption

        return mel_corruption(kind, real, figure1, mel, vocoder_folder, seed), {}
    if kind == "interference":
        mixing = Interference(real, figure1["interference_classes"], seed)
        return partial(mixing.mix, snr_db=figure1["interference_snr_db"]), mixing.notes()
    composing = Composition(real, figure1["events_per_clip"], seed)
    return (composing.compose if kind == "composed" else composing.disorder), composing.notes()
