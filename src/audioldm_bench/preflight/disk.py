"""Whether the file systems of a study have room for what it will leave."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .results import Result, ok, problem, size, warning
from .rows import Row

_CLOSE = 1.2  # free space below that many times the need is a warning


def existing(path: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    path = path.resolve()
    while not path.exists():
        path = path.parent
    return path


def bytes_in(path: Path) -> int:
    """Of the files below a path, or of the file."""
    if path.is_file():
        return path.stat().st_size
    found = 0
    for folder, _, names in os.walk(path):
        for name in names:
            file = Path(folder, name)
            found += file.stat().st_size if file.is_file() and not file.is_symlink() else 0
    return found


def check_disk(
    rows: Sequence[Row], base: Path, usage: Callable[[Path], Any] = shutil.disk_usage
) -> list[Result]:
    """Free space below `results` and `resources` against the estimate less what is there already.

    Both may be on one file system. What stages delete again counts where most of it is written,
    in `results`, and the archives in `resources`.
    """
    needs: dict[int, int] = defaultdict(int)
    folders: dict[int, list[str]] = defaultdict(list)
    devices = {}
    for name in ("results", "resources"):
        devices[name] = existing(base / name).stat().st_dev
        folders[devices[name]].append(name)
    for row in rows:
        for place in row.places:
            there = min(place.bytes, bytes_in(base / place.path))
            needs[devices[Path(place.path).parts[0]]] += place.bytes - there
        fetched = "resources" if row.stage == "raw data" else "results"
        needs[devices[fetched]] += row.temporary
    return [
        _verdict(" and ".join(names), needs[device], usage(existing(base / names[0])).free)
        for device, names in folders.items()
    ]


def _verdict(folders: str, need: int, free: int) -> Result:
    finding = f"{folders}: about {size(need)} to come, {size(free)} free"
    if free < need:
        return problem(
            "disk",
            finding,
            f"free {size(need - free)}, or make {folders} a link to a larger disk",
        )
    if free < _CLOSE * need:
        return warning("disk", finding, "this is an estimate: have a fifth more")
    return ok("disk", finding)
