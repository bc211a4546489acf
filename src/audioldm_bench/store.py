"""Files that are whole or not there, and HDF5 stores that are built part by part.

A store holds one row a clip. It is made of parts, fixed slices of the clip list, each written
whole into a state folder outside the rule's declared outputs; a killed run continues with the
parts that are missing, and the bits do not depend on where it stopped.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .errors import UserError


# ------------------------------------------------------------------ whole or not at all
def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """Gives a path beside `path` to write to; it takes `path`'s name when the block ends well."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part{path.suffix}")
    try:
        yield draft
        _sync(draft)
        os.replace(draft, path)
        _sync(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def write_json(path: Path, value: object) -> None:
    """Sorted, indented, whole or not at all."""
    with write_atomically(path) as draft:
        draft.write_text(json.dumps(value, sort_keys=True, indent=1, allow_nan=False) + "\n")


def read_json(path: Path):
    return json.loads(Path(path).read_text())


def replace_folder(work: Path, final: Path) -> None:
    """Moves the finished folder `work` to `final`, in place of what is there."""
    final.parent.mkdir(parents=True, exist_ok=True)
    if final.exists():
        shutil.rmtree(final)
    try:
        os.replace(work, final)
    except OSError:  # another file system: copy beside, then rename
        beside = final.with_name(f".{final.name}.{os.getpid()}.part")
        shutil.copytree(work, beside)
        os.replace(beside, final)
        shutil.rmtree(work)


# ------------------------------------------------------------------------------ identity
def file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    found = (p for p in sorted(Path(folder).rglob("*")) if p.is_file())
    return [p for p in found if not any(x.startswith(".") for x in p.relative_to(folder).parts)]


def folder_sha256(folder: Path) -> str:
    """Over the names and bytes of all files in it but hidden ones."""
    digest = hashlib.sha256()
    for path in _files(folder):
        digest.update(f"{path.relative_to(folder)}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()


def _identity(value: object) -> object:
    """A value as JSON can hold it; paths as size and time of change of the files they name."""
    if isinstance(value, Path):
        if not value.exists():
            raise UserError(f"{value} is not there: run the step that makes it first")
        files = _files(value) if value.is_dir() else [value]
        return [str(value), [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files]]
    if isinstance(value, dict):
        return {str(k): _identity(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_identity(v) for v in value]
    return value


def fingerprint(**values: object) -> str:
    """Names the work that these values determine, so that no other work's state is taken up."""
    text = json.dumps(_identity(values), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


# -------------------------------------------------------------------------- resume state
@contextlib.contextmanager
def resume_state(folder: Path, fingerprint: str) -> Iterator[Path]:
    """The folder of one job's resume state, held by this process alone.

    A job whose Snakemake was killed may still be writing: we wait for it, then go on from what it
    left. State that belongs to other work (another fingerprint) is thrown away.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        waited = False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print(
                f"waiting: another process is still at work in {folder}",
                file=sys.stderr,
                flush=True,
            )
            fcntl.flock(lock, fcntl.LOCK_EX)
            waited = True
        owner = folder / ".fingerprint"
        if not waited:
            (folder / ".finished").unlink(missing_ok=True)
        if not owner.exists() or owner.read_text() != fingerprint:
            for item in folder.iterdir():
                if item.name != ".lock":
                    shutil.rmtree(item) if item.is_dir() else item.unlink()
            with write_atomically(owner) as draft:
                draft.write_text(fingerprint)
        yield folder


def clear_state(folder: Path) -> None:
    """Empties a finished job's resume state; to be called inside `resume_state`."""
    (Path(folder) / ".finished").touch()
    for item in Path(folder).iterdir():
        if item.name not in {".lock", ".fingerprint", ".finished"}:
            shutil.rmtree(item) if item.is_dir() else item.unlink()


def was_finished(folder: Path) -> bool:
    """Whether the process we waited for in `resume_state` has just finished the same work."""
    return (Path(folder) / ".finished").exists()


# -------------------------------------------------------------------------------- stores
@dataclass
class Part:
    """What was made of one slice of the clip list: rows for `ids`, reasons for the others."""

    ids: list[str]
    arrays: dict[str, np.ndarray | list[np.ndarray]]  # (len(ids), ...), or ragged: a list
    rejected: dict[str, str] = field(default_factory=dict)


def _save_part(path: Path, part: Part) -> None:
    import h5py

    with write_atomically(path) as draft, h5py.File(draft, "w") as file:
        _write_ids(file, part.ids)
        file.attrs["rejected"] = json.dumps(part.rejected, sort_keys=True)
        for name, rows in part.arrays.items():
            if isinstance(rows, list):
                offsets = np.cumsum([0] + [len(row) for row in rows])
                file[f"{name}_offsets"] = offsets.astype(np.int64)
                rows = np.concatenate(rows) if rows else np.zeros((0,), np.float32)
            file[name] = rows


def _write_ids(file, ids: Sequence[str]) -> None:
    import h5py

    file.create_dataset("clip_id", data=[i.encode() for i in ids], dtype=h5py.string_dtype())


def build_store(
    path: Path,
    ids: Sequence[str],
    compute: Callable[[list[str]], Part],
    *,
    state: Path,
    fingerprint: str,
    part_size: int = 64,
    progress=None,
    attrs: dict | None = None,
) -> None:
    """Writes the store `path` with a row for each of `ids` that `compute` keeps.

    `compute` is called with fixed slices of `part_size` ids. Memory holds one part at a time.
    """
    slices = [list(ids[i : i + part_size]) for i in range(0, len(ids), part_size)]
    with resume_state(state, f"{fingerprint}-{part_size}") as folder:
        if was_finished(folder) and Path(path).exists():
            return
        paths = [folder / f"part-{number:06d}.h5" for number in range(len(slices))]
        done = 0
        _say_what_is_left(paths, progress)
        for part_path, wanted in zip(paths, slices, strict=True):
            if not part_path.exists():
                _save_part(part_path, compute(wanted))
            done += len(wanted)
            if progress:
                progress.update(done)
        with write_atomically(path) as draft:
            _merge(draft, paths, attrs or {})
        clear_state(folder)


def _say_what_is_left(parts: list[Path], progress) -> None:
    there = sum(path.exists() for path in parts)
    if there:
        label = progress.label if progress else "store"
        print(f"[{label}] continues: {there} of {len(parts)} parts are there", file=sys.stderr)


def _merge(path: Path, parts: list[Path], attrs: dict) -> None:
    """Parts into one file, one part in memory at a time."""
    import h5py

    ids: list[str] = []
    rejected: dict[str, str] = {}
    with h5py.File(path, "w", libver="latest") as out:
        for part_path in parts:
            with h5py.File(part_path, "r") as part:
                ids += [i.decode() for i in part["clip_id"][:]]
                rejected |= json.loads(part.attrs["rejected"])
                if not len(part["clip_id"]):
                    continue  # nothing kept: its arrays have no shape worth keeping
                for name in sorted(set(part) - {"clip_id"}):
                    _append(out, name, part[name][:])
        _write_ids(out, ids)
        out.attrs["rejected"] = json.dumps(rejected, sort_keys=True)
        for key, value in sorted(attrs.items()):
            out.attrs[key] = json.dumps(value, sort_keys=True)


def _append(out, name: str, rows: np.ndarray) -> None:
    if name not in out:
        # of the row's size alone, so that the size of a part changes no byte of the file
        row = rows.dtype.itemsize * int(np.prod(rows.shape[1:], dtype=int))
        chunk = (max(1, (1 << 16) // max(1, row)), *rows.shape[1:])
        out.create_dataset(name, data=rows, maxshape=(None, *rows.shape[1:]), chunks=chunk)
        return
    dataset = out[name]
    if name.endswith("_offsets"):
        rows = rows[1:] + dataset[-1]
    dataset.resize(len(dataset) + len(rows), axis=0)
    dataset[len(dataset) - len(rows) :] = rows


class Store:
    """Reads a store, or several shards as one. Use as a context manager."""

    def __init__(self, paths: Path | str | Sequence[Path | str]):
        import h5py

        paths = [paths] if isinstance(paths, (str, Path)) else list(paths)
        self._files = [h5py.File(path, "r") for path in paths]
        self.ids: list[str] = []
        self._where: dict[str, tuple[int, int]] = {}
        self._handles: dict[tuple[int, str], tuple] = {}  # opening a dataset costs 100 us
        for number, file in enumerate(self._files):
            for row, raw in enumerate(file["clip_id"][:]):
                self._where[raw.decode()] = (number, row)
                self.ids.append(raw.decode())

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for file in self._files:
            file.close()

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, clip_id: str) -> bool:
        return clip_id in self._where

    @property
    def names(self) -> list[str]:
        found = {n for file in self._files for n in file if n != "clip_id"}
        return sorted(n for n in found if not n.endswith("_offsets"))

    @property
    def attrs(self) -> dict:
        """Of the first shard."""
        stored = self._files[0].attrs
        return {key: json.loads(stored[key]) for key in stored if key != "rejected"}

    @property
    def rejected(self) -> dict[str, str]:
        """Reasons by id of the clips that were set aside."""
        found: dict[str, str] = {}
        for file in self._files:
            found |= json.loads(file.attrs["rejected"])
        return found

    def get(self, name: str, clip_id: str) -> np.ndarray:
        """The row of one clip."""
        number, row = self._where[clip_id]
        key = (number, name)
        if key not in self._handles:
            file, offsets = self._files[number], f"{name}_offsets"
            self._handles[key] = (file[name], file[offsets][:] if offsets in file else None)
        rows, offsets = self._handles[key]
        return rows[row] if offsets is None else rows[offsets[row] : offsets[row + 1]]

    def iter(self, name: str) -> Iterator[tuple[str, np.ndarray]]:
        for clip_id in self.ids:
            yield clip_id, self.get(name, clip_id)

    def flat(self, name: str) -> np.ndarray:
        """All rows one after the other: (N, ...), or for a ragged array (sum of lengths, ...)."""
        filled = [file[name][:] for file in self._files if name in file]
        return np.concatenate(filled)

    def array(self, name: str) -> np.ndarray:
        """(N, ...); not for ragged arrays."""
        if any(f"{name}_offsets" in file for file in self._files):
            raise ValueError(f"{name} is ragged: use flat() or get()")
        return self.flat(name)
