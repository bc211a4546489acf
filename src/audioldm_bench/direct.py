"""Rows of an HDF5 dataset read from the file itself, at the places that HDF5 names.

HDF5 lets one thread of a process read at a time and copies each row twice; a store's arrays lie in
the file as plain bytes, a chunk a clip or so, and the kernel reads those for any number of threads.
"""

from __future__ import annotations

import os

import numpy as np

from .errors import UserError


class DirectRows:
    """The rows of one dataset of an open file; `read_into` may be called by several threads."""

    def __init__(self, dataset):
        self._path = dataset.file.filename
        self.shape, self.dtype = dataset.shape, dataset.dtype
        if dataset.id.get_create_plist().get_nfilters() or not dataset.dtype.isnative:
            raise UserError(
                f"{self._path}: {dataset.name} is compressed or of another machine's byte order;"
                " delete the file to have it made again"
            )
        self._bytes = dataset.dtype.itemsize * int(np.prod(self.shape[1:], dtype=int))
        self._rows = dataset.chunks[0] if dataset.chunks else max(1, len(dataset))
        self._offsets = _offsets(dataset, self._rows)
        self._file = os.open(self._path, os.O_RDONLY)

    def read_into(self, row: int, out: np.ndarray) -> None:
        """Fills `out`, contiguous and of a row's shape and type, with one row."""
        chunk, place = divmod(row, self._rows)
        start = int(self._offsets[chunk]) + place * self._bytes
        if os.preadv(self._file, [memoryview(out).cast("B")], start) != self._bytes:
            raise UserError(f"{self._path} is shorter than it was; delete it to have it made again")

    def close(self) -> None:
        """Closes the file; its dataset is closed by whom it belongs to."""
        if self._file is not None:
            os.close(self._file)
        self._file = None


def _offsets(dataset, rows: int) -> np.ndarray:
    """Where each chunk of `rows` rows begins, in bytes from the file's beginning."""
    count = -(-len(dataset) // rows)
    if not dataset.chunks:
        return np.full(count, dataset.id.get_offset() or 0, np.int64)
    if dataset.chunks[1:] != dataset.shape[1:]:
        raise UserError(
            f"{dataset.file.filename}: the chunks of {dataset.name} are no whole rows;"
            " delete the file to have it made again"
        )
    found = np.full(count, -1, np.int64)

    def note(chunk) -> None:
        found[chunk.chunk_offset[0] // rows] = chunk.byte_offset

    dataset.id.chunk_iter(note)
    if (found < 0).any():
        raise UserError(
            f"{dataset.file.filename}: {dataset.name} has gaps; delete it to have it made again"
        )
    return found
