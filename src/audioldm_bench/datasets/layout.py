"""Where things lie in a dataset's folder: tables at their usual places, sound files by name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from audioldm_bench.errors import UserError

AUDIO_ENDINGS = (".wav", ".flac", ".ogg", ".mp3", ".m4a")  # the first that is there is taken


def find_table(root: Path, places: Sequence[str], *, required: bool = True) -> Path | None:
    """The table at one of `places` below `root` or below a folder in it (an unpacked archive).

    UserError when it is nowhere, or in several folders.
    """
    root = Path(root)
    if not root.is_dir():
        raise UserError(f"{root}: there is no such folder; set the dataset's `folder` to yours")
    below = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    for bases in ([root], below):
        found = [(base, base / p) for base in bases for p in places if (base / p).is_file()]
        if len({base for base, _ in found}) > 1:
            raise UserError(f"{root}: {found[0][1]} and {found[-1][1]} are two copies; remove one")
        if found:
            return found[0][1]
    if required:
        raise UserError(
            f"{root}: the dataset's table {' or '.join(places)} is not in it, nor in a folder"
            " directly in it; set the dataset's `folder` to the unpacked original"
        )
    return None


def sound_files(folder: Path, root: Path) -> dict[str, str]:
    """Path relative to `root` by stem, of all sound files in `folder` and below it."""
    found: dict[str, str] = {}
    rank: dict[str, tuple[int, str]] = {}
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        relative = os.path.relpath(base, root)
        for name in names:
            stem, ending = os.path.splitext(name)
            if name.startswith(".") or ending.lower() not in AUDIO_ENDINGS:
                continue
            path = Path(relative, name).as_posix()
            order = (AUDIO_ENDINGS.index(ending.lower()), path)
            if stem not in rank or order < rank[stem]:
                rank[stem], found[stem] = order, path
    return found
