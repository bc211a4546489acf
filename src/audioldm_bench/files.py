"""Files and folders that are whole or not there, and what identifies them."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from .errors import UserError

NO_ROOM = 1 << 16  # bytes; with less, what failed to write failed for that


@contextlib.contextmanager
def telling_full_disk(path: Path) -> Iterator[None]:
    """Makes a sentence of what a disk without room raises while `path` is written."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if not _for_want_of_room(error, Path(path).parent):
            raise
        raise UserError(f"{path}: the disk is full; make room and run again") from None


def _for_want_of_room(error: Exception, folder: Path) -> bool:
    """torch, safetensors and libsndfile raise errors of their own, most without the reason."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    if os.strerror(errno.ENOSPC) in str(error):
        return True
    return folder.is_dir() and shutil.disk_usage(folder).free < NO_ROOM


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """Gives a path beside `path` to write to; it takes `path`'s name when the block ends well.
    UserError where the disk is full."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part{path.suffix}")
    try:
        with telling_full_disk(path):
            yield draft
            _sync(draft)
            os.replace(draft, path)
            _sync(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def move_whole(source: Path, path: Path) -> None:
    """Gives a finished file its name: a rename, or a copy beside it from another file system."""
    source, path = Path(source), Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _sync(source)
    try:
        os.replace(source, path)
        _sync(path.parent)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with write_atomically(path) as draft:
            shutil.copyfile(source, draft)
        source.unlink()


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


def file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def files_in(folder: Path) -> list[Path]:
    found = (p for p in sorted(Path(folder).rglob("*")) if p.is_file())
    return [p for p in found if not any(x.startswith(".") for x in p.relative_to(folder).parts)]


def folder_sha256(folder: Path) -> str:
    """Over the names and bytes of all files in it but hidden ones."""
    digest = hashlib.sha256()
    for path in files_in(folder):
        digest.update(f"{path.relative_to(folder)}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()
