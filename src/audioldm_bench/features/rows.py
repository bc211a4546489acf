"""Feature rows that are there already, found by the contents of the sound files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from audioldm_bench.errors import UserError
from audioldm_bench.store import Part, Store, write_store


class Rows:
    """Rows of one backbone in the stores of a folder, by the sha256 of the sound file.

    All stores of the folder were made by the same weights from the same form of audio, so that any
    of them will do for a clip. `rejected`: reasons by sha256, of this run.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self.rejected: dict[str, str] = {}
        self.silent: set[str] = set()  # sha256
        self._where: dict[str, tuple[Path, str]] = {}
        for path in sorted(self.folder.glob("*.h5")):
            if not path.name.startswith("."):
                self._take_up(path)

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._where

    def add(self, part: Part) -> None:
        """Keeps new rows, whose ids are sha256, in a store of their own."""
        self.rejected |= part.rejected
        if part.ids:
            path = self.folder / f"part-{part.ids[0]}.h5"
            write_store(path, [Part(part.ids, part.arrays | _named(part.ids))], {})
            self._take_up(path)

    def drop_parts(self) -> None:
        """Deletes what `add` kept, once a finished store holds it, and drafts of killed runs."""
        for pattern in ("part-*.h5", ".*.h5"):
            for path in self.folder.glob(pattern):
                path.unlink()

    def part(self, ids: Sequence[str], sha256: Sequence[str]) -> Part:
        """The rows of clips `ids`, whose files have these sha256."""
        if not ids:
            return Part([], {})
        found: dict[str, dict[str, np.ndarray]] = {}
        for path in sorted({self._where[digest][0] for digest in sha256}):
            with Store(path) as store:  # one open at a time: each keeps a cache of its chunks
                for digest in sha256:
                    place, key = self._where[digest]
                    if place == path:
                        found[digest] = {name: store.get(name, key) for name in store.names}
        arrays: dict[str, np.ndarray | list[np.ndarray]] = {}
        for name in found[sha256[0]]:
            rows = [found[digest][name] for digest in sha256]
            arrays[name] = rows if np.ndim(rows[0]) > 1 else np.stack(rows)
        return Part(list(ids), arrays)

    def _take_up(self, path: Path) -> None:
        try:
            with Store(path) as store:
                keys = store.ids
                digests = [row.tobytes().hex() for row in store.array("sha256")]
                silent = store.array("silent")
        except (OSError, KeyError, ValueError) as error:
            raise UserError(f"{path}: not a feature file ({error}); delete it") from None
        for key, digest, is_silent in zip(keys, digests, silent, strict=True):
            self._where.setdefault(digest, (path, key))
            if is_silent:
                self.silent.add(digest)


def _named(sha256: Sequence[str]) -> dict[str, np.ndarray]:
    return {"sha256": np.stack([np.frombuffer(bytes.fromhex(d), np.uint8) for d in sha256])}
