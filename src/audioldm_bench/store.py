"""HDF5 stores that are built part by part.

A store holds one row a clip. It is made of parts, fixed slices of the clip list, each written
whole into a state folder outside the rule's declared outputs; a killed run continues with the
parts that are missing, and the bits do not depend on where it stopped.
"""

from __future__ import annotations

import json
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .direct import DirectRows
from .files import write_atomically
from .resume import clear_state, resume_state, was_finished


@dataclass
class Part:
    """What was made of one slice of the clip list: rows for `ids`, reasons for the others."""

    ids: list[str]
    arrays: dict[str, np.ndarray | list[np.ndarray]]  # (len(ids), ...), or ragged: a list
    rejected: dict[str, str] = field(default_factory=dict)


def _flat(part: Part) -> dict[str, np.ndarray]:
    """A part's arrays as they are on disk: ragged ones as all rows together, and offsets."""
    flat = {}
    for name, rows in part.arrays.items():
        if isinstance(rows, list):
            offsets = np.cumsum([0] + [len(row) for row in rows])
            flat[f"{name}_offsets"] = offsets.astype(np.int64)
            rows = np.concatenate(rows) if rows else np.zeros((0,), np.float32)
        flat[name] = rows
    return flat


def _save_part(path: Path, part: Part) -> None:
    import h5py

    with write_atomically(path) as draft, h5py.File(draft, "w") as file:
        _write_ids(file, part.ids)
        file.attrs["rejected"] = json.dumps(part.rejected, sort_keys=True)
        for name, rows in _flat(part).items():
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
        _write(path, map(_load_part, paths), attrs or {})
        clear_state(folder)


def _say_what_is_left(parts: list[Path], progress) -> None:
    there = sum(path.exists() for path in parts)
    if there:
        label = progress.label if progress else "store"
        print(f"[{label}] continues: {there} of {len(parts)} parts are there", file=sys.stderr)


def write_store(path: Path, parts: Iterable[Part], attrs: dict) -> None:
    """Writes the store `path` of parts that come one after the other; one is held at a time."""
    _write(path, ((part.ids, part.rejected, _flat(part)) for part in parts), attrs)


def _load_part(path: Path) -> tuple[list[str], dict[str, str], dict[str, np.ndarray]]:
    import h5py

    with h5py.File(path, "r") as part:
        ids = [i.decode() for i in part["clip_id"][:]]
        arrays = {name: part[name][:] for name in sorted(set(part) - {"clip_id"})}
        return ids, json.loads(part.attrs["rejected"]), arrays


def _write(path: Path, parts: Iterable[tuple], attrs: dict) -> None:
    """(ids, rejected, flat arrays) of each part into one file."""
    import h5py

    all_ids: list[str] = []
    all_rejected: dict[str, str] = {}
    with write_atomically(path) as draft, h5py.File(draft, "w", libver="latest") as out:
        for ids, rejected, arrays in parts:
            all_ids += ids
            all_rejected |= rejected
            for name in sorted(arrays) if ids else ():  # else its arrays have no shape to keep
                _append(out, name, arrays.pop(name))  # and is free again
        _write_ids(out, all_ids)
        out.attrs["rejected"] = json.dumps(all_rejected, sort_keys=True)
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
        self._starts: list[int] = []  # row of each shard's first
        self._handles: dict[tuple[int, str], tuple] = {}  # opening a dataset costs 100 us
        self._direct: dict[tuple[int, str], DirectRows] = {}
        for file in self._files:
            self._starts.append(len(self.ids))
            self.ids += [raw.decode() for raw in file["clip_id"][:]]
        self._rows = {clip_id: row for row, clip_id in enumerate(self.ids)}  # through all shards

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for rows in self._direct.values():
            rows.close()
        for file in self._files:
            file.close()

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, clip_id: str) -> bool:
        return clip_id in self._rows

    def _place(self, clip_id: str) -> tuple[int, int]:
        """Number of the shard, and row there."""
        row = self._rows[clip_id]
        number = bisect_right(self._starts, row) - 1
        return number, row - self._starts[number]

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
        number, row = self._place(clip_id)
        key = (number, name)
        if key not in self._handles:
            file, offsets = self._files[number], f"{name}_offsets"
            self._handles[key] = (file[name], file[offsets][:] if offsets in file else None)
        rows, offsets = self._handles[key]
        return rows[row] if offsets is None else rows[offsets[row] : offsets[row + 1]]

    def open_rows(self, name: str) -> None:
        """Makes `rows` of an array ready for use by several threads; not for ragged arrays."""
        for number, file in enumerate(self._files):
            if name in file and (number, name) not in self._direct:
                self._direct[number, name] = DirectRows(file[name])

    def rows(self, name: str, clip_ids: Sequence[str]) -> np.ndarray:
        """(N, ...) of these clips, in this order: `get` without HDF5, whose lock all threads share.

        After `open_rows`. A clip may be asked for more than once.
        """
        places = [self._place(clip_id) for clip_id in clip_ids]
        first = self._direct[places[0][0], name]
        out = np.empty((len(places), *first.shape[1:]), first.dtype)
        for place in sorted(range(len(places)), key=places.__getitem__):  # in the file's order
            number, row = places[place]
            self._direct[number, name].read_into(row, out[place])
        return out

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
