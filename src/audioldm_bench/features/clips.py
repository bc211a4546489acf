"""The clips of a folder: which files they are, what names their contents, how they are heard."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audioldm_bench import audio
from audioldm_bench.errors import UserError
from audioldm_bench.files import file_sha256

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")  # in any case


@dataclass(frozen=True)
class ClipFolder:
    """Sound files by clip id, sorted; sha256 of those that can be opened, reasons of the others."""

    files: dict[str, Path]
    sha256: dict[str, str]
    unreadable: dict[str, str]

    @property
    def list_sha256(self) -> str:
        """Names the ids with the contents of their files."""
        return clip_list_sha256(dict.fromkeys(self.unreadable, "unreadable") | self.sha256)


def find_clips(folder: Path, suffixes: Sequence[str] = AUDIO_SUFFIXES) -> dict[str, Path]:
    """The sound files of a folder by clip id (the file's stem), sorted by id.

    Hidden files and sub-folders are not looked at. UserError if there are none, or if two files
    have the same id. A file that cannot be read is one of them: it is for its reader to say so.
    """
    found: dict[str, Path] = {}
    for path in _entries(folder):
        if path.suffix.lower() in suffixes:
            twin = found.setdefault(_clip_id(path), path)
            if twin is not path:
                raise UserError(
                    f"{folder}: {twin.name} and {path.name} are both clip '{path.stem}'; "
                    "remove one of them or rename it"
                )
    if not found:
        known = ", ".join(suffix.lstrip(".") for suffix in suffixes)
        raise UserError(f"{folder}: no sound files ({known}) in it; nothing to evaluate")
    return dict(sorted(found.items()))


def other_files(folder: Path, suffixes: Sequence[str] = AUDIO_SUFFIXES) -> list[str]:
    """Names in a folder that `find_clips` passes over, hidden ones left out; folders end in /."""
    others = [path for path in _entries(folder) if path.suffix.lower() not in suffixes]
    return [f"{path.name}/" if path.is_dir() else path.name for path in others]


def read_folder(folder: Path) -> ClipFolder:
    """The clips of a folder with the sha256 of each file."""
    files, sha256, unreadable = find_clips(folder), {}, {}
    for clip_id, path in files.items():
        try:
            sha256[clip_id] = file_sha256(path)
        except OSError as error:
            unreadable[clip_id] = f"unreadable: {error.strerror}"
    return ClipFolder(files, sha256, unreadable)


def clip_list_sha256(sha256: Mapping[str, str]) -> str:
    """Over the ids of clips and the sha256 of their files, in the order of the ids."""
    lines = "".join(f"{clip_id}\0{digest}\n" for clip_id, digest in sorted(sha256.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def prepare_clip(
    path: Path,
    rates: Iterable[int],
    *,
    nominal_duration: float | None,
    minimum_duration: float,
) -> dict[int, np.ndarray]:
    """A clip as the backbones hear it: float32 (T,) at each of `rates` (Hz). Raises AudioError."""
    samples, native_rate = audio.read(path)
    if len(samples) == 1:
        raise audio.AudioError("1 sample is no sound")
    samples = samples - samples.mean()
    heard = {}
    for rate in rates:
        resampled = audio.resample(samples, native_rate, rate)
        if nominal_duration is not None:
            resampled = audio.fit(resampled, round(nominal_duration * rate))
        heard[rate] = audio.fit(resampled, max(len(resampled), round(minimum_duration * rate)))
    return heard


def _entries(folder: Path) -> list[Path]:
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give a folder of sound files")
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _clip_id(path: Path) -> str:
    try:
        path.stem.encode()
    except UnicodeEncodeError:
        raise UserError(
            f"{path.parent}: the file name {path.name!r} is not UTF-8; rename it"
        ) from None
    return path.stem
