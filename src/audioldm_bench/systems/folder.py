"""How a system's folder is written: the clips first, then what made them, each whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from .. import audio
from ..errors import UserError
from ..files import replace_folder, write_json
from ..progress import Progress

Write = Callable[[str, Path], None]  # clip id, path; raises AudioError


def write_system(
    work: Path,
    clips_folder: Path,
    provenance: Path,
    *,
    ids: Sequence[str],
    write: Write,
    record: Mapping,
    progress: Progress,
) -> None:
    """Lets `write` make <clip_id>.wav for each of `ids`, then tells of it in clips.json.

    `work` is a folder of the job's state that takes the place of `clips_folder`; what a killed run
    left there is made anew. `provenance` holds `record`, "n", "clips", and "rejected" (the reasons
    of clips that cannot be used), where there are any. UserError if all are.
    """
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    rejected: dict[str, str] = {}
    for number, clip_id in enumerate(ids, 1):
        try:
            write(clip_id, work / f"{clip_id}.wav")
        except audio.AudioError as error:
            rejected[clip_id] = str(error)
        progress.update(number)
    made = [clip_id for clip_id in ids if clip_id not in rejected]
    if not made:
        name, reason = next(iter(rejected.items()))
        raise UserError(f"{record['system']}: no clip of {len(ids)} will do ({name}: {reason})")
    replace_folder(work, clips_folder)
    record = {**record, "n": len(made), "clips": made}
    write_json(provenance, record | ({"rejected": rejected} if rejected else {}))


def wav_of(sound: Callable[[str], np.ndarray], sample_rate: int) -> Write:
    """Writes `sound(clip_id)`, (T,) in -1..1, as the real clips are written."""

    def write(clip_id: str, path: Path) -> None:
        audio.write(path, sound(clip_id), sample_rate)

    return write
