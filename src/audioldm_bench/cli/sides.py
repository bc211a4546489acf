"""The folders that are compared: looked at before any weights are fetched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from audioldm_bench.cli.utf8 import is_text, shown
from audioldm_bench.errors import UserError
from audioldm_bench.features.clips import find_clips, other_files

SHOWN = 5  # names that a remark shows before it counts


@dataclass(frozen=True)
class Side:
    """A folder with its clips by id and the files in it that are no clips."""

    folder: Path
    clips: Mapping[str, Path]
    others: Sequence[str]


def look(folder: Path) -> Side:
    """UserError if `folder` is absent or no folder, or it holds no clips, or names are no text."""
    folder = Path(folder)
    if not folder.exists():
        raise UserError(f"{folder}: there is no such folder")
    if not folder.is_dir():
        raise UserError(f"{folder}: is a file; name the folder that holds the clips")
    if not is_text(folder):
        raise UserError(f"{shown(folder)}: this name is not UTF-8; rename the folder")
    return Side(folder, find_clips(folder), other_files(folder))


def apart(sides: Iterable[Side]) -> None:
    """UserError if a folder is named twice, under whatever name."""
    seen: dict[Path, Path] = {}
    for side in sides:
        place = side.folder.resolve()
        if place in seen:
            raise UserError(
                f"{side.folder} and {seen[place]} are the same folder; name different ones"
            )
        seen[place] = side.folder


def shared(generated: Side, reference: Side) -> list[str]:
    """Ids of the clips that both have by name; UserError with examples if less than two."""
    both = sorted(set(generated.clips) & set(reference.clips))
    if len(both) < 2:
        raise UserError(
            f"{generated.folder} and {reference.folder} have {len(both)} clip(s) of the same name, "
            f"and metrics need two (there: {some(generated.clips)}; here: {some(reference.clips)});"
            " give both sides of a pair one name, or compare them as a whole by --unpaired"
        )
    return both


def some(names: Iterable[str]) -> str:
    """The first names, and how many there are if more."""
    names = list(names)
    more = f", … ({len(names)} in all)" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
