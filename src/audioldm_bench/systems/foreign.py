"""Another system's folder of clips, taken over as a system like any other."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from .. import audio
from ..datasets.naming import safe_stem
from ..errors import UserError
from ..features.clips import find_clips, other_files
from ..files import read_json
from ..progress import Progress
from ..resume import clear_state, fingerprint, resume_state, was_finished
from ..stages import VERSIONS
from .folder import write_system

_EXAMPLES = 3  # names of either side that a message shows


def import_system(
    folder: Path,
    reference: Path,
    clips_folder: Path,
    provenance: Path,
    *,
    system: str,
    label: str | None,
    dataset: str,
    state: Path,
    progress_every: float,
) -> None:
    """Writes the sounds of `folder` that are named as evaluation clips to <clip_id>.wav.

    The evaluation clips are those of `reference`, the clips.json of the real ones. A wav file is
    copied; flac, ogg and mp3 become wav files of the same samples (first channel, 32-bit float).
    `provenance` says which file became which clip, which clips are "missing", which sound files
    are "extra", what else was "ignored", and what was "rejected" with the reason. UserError if no
    file is named as a clip, two are for the same one, or none can be used.
    """
    folder, ids = Path(folder), read_json(reference)["clips"]
    files = find_clips(folder)
    chosen, extra = match_clips(folder, files, ids, dataset)
    work = fingerprint(version=VERSIONS["foreign"], folder=folder, real=Path(reference))
    with resume_state(state, work) as kept:
        if was_finished(kept) and Path(clips_folder).exists() and Path(provenance).exists():
            return
        write_system(
            kept / "clips",
            Path(clips_folder),
            Path(provenance),
            ids=list(chosen),
            write=lambda clip_id, path: _take(chosen[clip_id], path),
            record={
                "system": system,
                "label": label or system,
                "dataset": dataset,
                "folder": str(folder),
                "files": {clip_id: path.name for clip_id, path in chosen.items()},
                "missing": sorted(set(ids) - set(chosen)),
                "extra": extra,
                "ignored": other_files(folder),
            },
            progress=Progress(f"{system} {dataset}", len(chosen), every=progress_every),
        )
        _tell(system, dataset, len(ids), read_json(provenance))
        clear_state(kept)


def match_clips(
    folder: Path, files: Mapping[str, Path], ids: Iterable[str], dataset: str
) -> tuple[dict[str, Path], list[str]]:
    """Files by clip id, sorted, and the names of those that are no evaluation clip.

    A clip's file is named by its id; with or without the Y of a YouTube id; or as the dataset's
    own file, whose odd characters became "_" in the id.
    """
    known = set(ids)
    chosen: dict[str, Path] = {}
    extra: list[str] = []
    for stem, path in files.items():
        names = (stem, f"Y{stem}", stem.removeprefix("Y"), safe_stem(path.name))
        clip_id = next((name for name in names if name in known), None)
        if clip_id is None:
            extra.append(path.name)
        elif chosen.setdefault(clip_id, path) is not path:
            raise UserError(
                f"{folder}: {chosen[clip_id].name} and {path.name} are both for the clip {clip_id};"
                " remove one of them"
            )
    if not chosen:
        raise UserError(
            f"{folder}: none of its {len(files)} sound files is named as an evaluation clip of"
            f" {dataset}: there are {_some(extra)}, and wanted are {_some(sorted(known))};"
            " name each file by its clip's id"
        )
    return dict(sorted(chosen.items())), sorted(extra)


def _some(names: list[str]) -> str:
    return ", ".join(names[:_EXAMPLES]) + (", ..." if len(names) > _EXAMPLES else "")


def _take(source: Path, path: Path) -> None:
    """The sound of `source` as a wav file. Raises AudioError if there is none that can be used."""
    import soundfile

    samples, rate = audio.read(source)
    if source.suffix.lower() == ".wav":
        shutil.copyfile(source, path)
    else:  # what libsndfile decodes, to the bit
        soundfile.write(str(path), samples, rate, format="WAV", subtype="FLOAT")


def _tell(system: str, dataset: str, wanted: int, record: Mapping) -> None:
    rejected = record.get("rejected", {})
    counts = {"missing": record["missing"], "set aside": rejected, "not asked for": record["extra"]}
    words = "".join(f", {len(names)} {what}" for what, names in counts.items() if names)
    print(f"[{system} {dataset}] {record['n']} of {wanted} clips{words}", file=sys.stderr)
    for clip_id, reason in rejected.items():
        print(f"[{system} {dataset}] {clip_id}: {reason}", file=sys.stderr)
