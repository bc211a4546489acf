"""The real evaluation clips as a system."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ..datasets.manifest import read_manifest
from ..errors import UserError
from ..progress import Progress
from ..resume import clear_state, fingerprint, resume_state, was_finished
from ..store import Store
from .folder import wav_of, write_system


def export_reference(
    manifest: Path,
    audio_shards: Sequence[Path],
    clips_folder: Path,
    provenance: Path,
    *,
    dataset: str,
    state: Path,
    progress_every: float,
) -> None:
    """Writes the real evaluation clips, as they were resampled, to `clips_folder`/<clip_id>.wav.

    Every other system of the dataset makes exactly the clips that are named in `provenance`.
    """
    wanted = [clip for clip in read_manifest(manifest) if clip.split == "evaluation"]
    with (
        resume_state(state, fingerprint(audio=[Path(p) for p in audio_shards])) as folder,
        Store(audio_shards) as store,
    ):
        if was_finished(folder) and clips_folder.exists() and provenance.exists():
            return
        present = [clip for clip in wanted if clip.clip_id in store]
        if not present:
            raise UserError(
                f"{manifest}: none of its {len(wanted)} evaluation clips could be read;"
                f" see the reasons in the report or set datasets.{dataset}.split.evaluation."
            )
        write_system(
            folder / "clips",
            clips_folder,
            provenance,
            ids=[clip.clip_id for clip in present],
            write=wav_of(partial(store.get, "waveform"), store.attrs["sample_rate"]),
            record={
                "system": "real",
                "dataset": dataset,
                "n_expected": len(wanted),
                "captions": {clip.clip_id: clip.caption for clip in present},
            },
            progress=Progress(f"real clips {dataset}", len(present), every=progress_every),
        )
        clear_state(folder)
