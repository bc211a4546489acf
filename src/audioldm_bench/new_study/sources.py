"""A person's recordings: a csv for the adapter `table`, or a folder of class folders."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audioldm_bench.config_rules import nearby
from audioldm_bench.datasets.csvfiles import read_numbered_rows
from audioldm_bench.datasets.naming import words
from audioldm_bench.errors import UserError

COLUMNS = ("file", "caption", "label", "split", "fold", "group")
SOUNDS = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64")
_UNREADABLE = (".m4a", ".aac", ".wma", ".mp4", ".webm", ".amr")  # sounds to others
_OURS = ("results", "resources")  # made by a study in the folder that it is started in
_SPLITS = ("train", "training", "val", "valid", "validation", "dev", "test", "eval", "evaluation")
_NUMBERED = re.compile(r"\d+\s*[-_. ]\s*(?=\S)")  # of "001 - Dog bark"
# what others call the columns
_ALSO_CALLED = {
    "file": "filename file_name filepath file_path path audio wav sound clip recording fname",
    "label": "category class class_name tag label_name target",
    "caption": "text description prompt sentence",
}


@dataclass
class Source:
    """Where the recordings are; `rows` are the csv that is to be written, where there is none."""

    folder: Path
    table: Path | None  # the person's csv
    rows: list[dict[str, str]] | None = None
    notes: list[str] = field(default_factory=list)  # for the person to read


def find_source(data: Path) -> Source:
    """What `--data` names. UserError when no study can be made of it."""
    _posix(data.parts)
    if data.is_dir():
        return _class_folders(data)
    if not data.exists():
        raise UserError(f"--data {data}: there is no such file or folder; {nearby(data)}")
    if data.suffix.lower() in (*SOUNDS, *_UNREADABLE):
        raise UserError(f"--data {data}: this is a sound; give the folder of class folders, or csv")
    return _csv(data)


def _csv(table: Path) -> Source:
    rows = read_numbered_rows(table, (), "a table has the columns file, caption, label, split")
    columns = list(rows[0][1])
    wanted = ["file"] if {"caption", "label"} & set(columns) else ["file", "label", "caption"]
    for name in wanted:
        guess = _called(name, columns)
        if name not in columns and guess:
            raise UserError(f"{table}: rename the column `{guess}` to `{name}` (docs/tutorial.md)")
    unused = [name for name in columns if name not in COLUMNS]
    notes = [f"columns of {table} that are not used: {', '.join(unused)}"] if unused else []
    for name in ("label", "caption"):
        guess = _called(name, columns)
        if name not in columns and guess:
            notes.append(f"if `{guess}` is the {name}, rename the column to `{name}` and init anew")
    return Source(table.parent, table, notes=notes)


def _called(name: str, columns: Sequence[str]) -> str | None:
    """The column that is probably meant."""
    others = _ALSO_CALLED[name].split()
    found = [c for c in columns if c not in COLUMNS and c.lower() in (name, *others)]
    return found[0] if found else None


def _class_folders(folder: Path) -> Source:
    """A row a sound: its class is the folder's name, or of train/dog/1.wav the second folder's."""
    split_first = _splits_come_first(folder)
    rows, notes, loose = [], Counter(), Counter()  # loose: sounds by folder, without a class
    for top in _folders(folder):
        for file in _files(top):
            parts = Path(os.path.relpath(file, folder)).parts
            if file.suffix.lower() not in SOUNDS:
                notes[file.suffix.lower() or "no ending"] += 1
            elif not split_first:
                rows.append({"file": _posix(parts), "label": parts[0]})
            elif len(parts) > 2:
                rows.append({"file": _posix(parts), "label": parts[1], "split": parts[0].lower()})
            else:
                loose[top] += 1
    if not rows or _is_a_csv_s_folder(folder, rows):
        raise _no_class_folders(folder)
    _refuse_names(folder, rows)
    _name_classes(rows)
    return Source(folder, None, rows, _told(folder, notes, loose))


def _splits_come_first(folder: Path) -> bool:
    names = {path.name.lower() for path in _folders(folder)}
    return len(names) > 1 and names <= set(_SPLITS)


def _folders(folder: Path) -> list[Path]:
    here = os.path.realpath(folder) == os.path.realpath(".")
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_dir() and not path.name.startswith(".") and not (here and path.name in _OURS)
    )


def _files(folder: Path) -> Iterator[Path]:
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(base, name) for name in sorted(names) if not name.startswith("."))


def _posix(parts: Sequence[str]) -> str:
    path = "/".join(parts)
    if any("\udc80" <= sign <= "\udcff" for sign in path):  # bytes that are no text
        shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        raise UserError(f"{shown}: this name is not UTF-8; rename the file or folder")
    return path


def _refuse_names(folder: Path, rows: list[dict[str, str]]) -> None:
    """UserError for a class folder whose name would be two labels in the csv, or none."""
    for name in sorted({row["label"] for row in rows}):
        if ";" in name or not words(name):
            raise UserError(
                f"--data {folder}: the folder '{name}' cannot be a class, for ; parts labels and _"
                " is read as a space; rename it"
            )


def _name_classes(rows: list[dict[str, str]]) -> None:
    """Takes the numbers away where all class folders have one, and puts captions beside labels."""
    names = {row["label"] for row in rows}
    plain = {name: _NUMBERED.sub("", name, count=1) for name in names}
    numbered = all(_NUMBERED.match(name) for name in names)
    if numbered and len(set(plain.values())) == len(names):
        for row in rows:
            row["label"] = plain[row["label"]]
    for row in rows:
        row["caption"] = words(row["label"])


def _is_a_csv_s_folder(folder: Path, rows: list[dict[str, str]]) -> bool:
    """Whether all sounds lie in one folder, such as audio/, with a csv beside it."""
    return len({row["label"] for row in rows}) == 1 and any(folder.glob("*.csv"))


def _no_class_folders(folder: Path) -> UserError:
    loose = sum(path.suffix.lower() in SOUNDS for path in folder.iterdir() if path.is_file())
    tables = sorted(folder.glob("*.csv"))
    if tables:
        cure = f"to use its csv: --data '{tables[0]}'"
    elif loose:
        cure = (
            f"its {loose} sounds lie directly in it: put them into a folder a class, or write a csv"
            " with the columns file and caption, and give that"
        )
    else:
        cure = (
            f"it must hold a folder a class, with sounds ({', '.join(SOUNDS[:6])}), or give a csv"
        )
    return UserError(f"--data {folder}: no folders of classes with sounds are in it; {cure}")


def _told(folder: Path, others: Counter, loose: Counter) -> list[str]:
    notes = []
    closed = {ending: n for ending, n in others.items() if ending in _UNREADABLE}
    for ending, number in sorted(closed.items()):
        notes.append(f"{number} {ending} files are left out: convert them to wav or flac")
    rest = {ending: n for ending, n in others.items() if ending not in _UNREADABLE}
    if rest:
        counts = ", ".join(f"{number} {ending}" for ending, number in sorted(rest.items()))
        notes.append(f"files that are no sounds are left out: {counts}")
    beside = [path for path in folder.iterdir() if path.is_file()]
    sounds = Counter({folder: sum(path.suffix.lower() in SOUNDS for path in beside)}) + loose
    for place, number in sorted(sounds.items()):
        notes.append(f"{number} sounds directly in {place} have no class folder: left out")
    if tables := sorted(path.name for path in beside if path.suffix.lower() == ".csv"):
        notes.append(f"{folder / tables[0]} is not used; to use it: --data '{folder / tables[0]}'")
    return notes
