"""Unpacks zip and tar archives that strangers made: no path outside, no link, no bomb."""

from __future__ import annotations

import contextlib
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from audioldm_bench.errors import UserError
from audioldm_bench.files import replace_folder, telling_full_disk
from audioldm_bench.progress import Progress

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")  # of what can be unpacked
_BLOCK = 1 << 20  # bytes
_MB = 1e6
_DAMAGED = (
    zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, OSError,
    NotImplementedError, RuntimeError, ValueError,
)  # fmt: skip


class DamagedArchive(UserError):
    """What was to be unpacked is no whole archive; another download may help."""


@dataclass
class _Member:
    name: str
    is_folder: bool
    refusal: str  # why it is not written, or blank
    file: IO[bytes] | None


@contextlib.contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder to fill beside `folder`; it takes its place, whole, when the block ends well."""
    folder = Path(folder)
    work = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(work, ignore_errors=True)  # of a job that was killed
    work.mkdir(parents=True)
    try:
        yield work
        replace_folder(work, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def unpack(
    archive: Path,
    work: Path,
    *,
    max_bytes: int,
    max_files: int,
    progress_every: float = 30.0,
) -> None:
    """Unpacks a zip, tar or compressed tar into the folder `work` (see `new_folder`).

    DamagedArchive when it is no archive or not whole; UserError when it holds a link, a device or
    a path that leads out of the folder, when it holds more than `max_bytes` unpacked or
    `max_files` entries, or when the disk is full. What was written until then is left in `work`.
    """
    _unpack_all(Path(archive), Path(work), max_bytes, max_files, progress_every)


def _unpack_all(archive: Path, work: Path, max_bytes: int, max_files: int, every: float) -> None:
    written = count = 0
    with open(archive, "rb") as raw:
        size = archive.stat().st_size
        progress = Progress(f"unpack {archive.name}", int(size / _MB) + 1, unit="MB", every=every)
        members = _members(archive, raw)
        while (member := _next(archive, members)) is not None:
            count += 1
            if count > max_files:
                raise UserError(
                    f"{archive}: more than {max_files} entries; not unpacked. If it is what it"
                    " should be, raise the limit max_files"
                )
            target = _target(archive, work, member)
            if member.is_folder:
                _make_folder(archive, target)
            else:
                written += _write(archive, member.file, target, max_bytes - written, max_bytes)
            progress.update(min(int(raw.tell() / _MB), int(size / _MB)))
        progress.update(int(size / _MB) + 1)


def _damaged(archive: Path, error: Exception) -> DamagedArchive:
    return DamagedArchive(
        f"{archive}: the archive is damaged, encrypted or no archive ({error}); nothing was"
        " unpacked, download it again"
    )


def _in_archive(archive: Path, action):
    """Calls `action`; what a broken archive makes it raise becomes words."""
    try:
        with telling_full_disk(archive):
            return action()
    except _DAMAGED as error:
        raise _damaged(archive, error) from None


def _next(archive: Path, members: Iterator[_Member]) -> _Member | None:
    return _in_archive(archive, lambda: next(members, None))


def _members(archive: Path, raw: IO[bytes]) -> Iterator[_Member]:
    if zipfile.is_zipfile(raw):
        raw.seek(0)
        yield from _zip_members(raw)
        return
    raw.seek(0)
    with tarfile.open(fileobj=raw, mode="r:*") as tar:
        for info in tar:
            refusal = "" if info.isreg() or info.isdir() else "it is a link or a device"
            file = tar.extractfile(info) if info.isreg() else None
            yield _Member(info.name, info.isdir(), refusal, file)


def _zip_members(raw: IO[bytes]) -> Iterator[_Member]:
    with zipfile.ZipFile(raw) as zipped:
        for info in zipped.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            plain = kind in (0, stat.S_IFREG, stat.S_IFDIR)
            refusal = "" if plain else "it is a link or a device"
            if info.is_dir() or refusal:
                yield _Member(info.filename, info.is_dir(), refusal, None)
                continue
            with zipped.open(info) as file:
                yield _Member(info.filename, False, "", file)


def _target(archive: Path, work: Path, member: _Member) -> Path:
    """Where the member goes. UserError when it may not be written."""
    name = member.name
    refusal = member.refusal
    # a backslash or a colon leads elsewhere on other systems; no dataset of ours needs them
    if name.startswith("/") or ".." in name.split("/") or any(c in name for c in "\\:\0"):
        refusal = "its path leads out of the folder"
    if refusal:
        raise UserError(f"{archive}: {name!r} is refused: {refusal}; nothing was unpacked")
    return work / name


def _make_folder(archive: Path, folder: Path) -> None:
    _in_archive(archive, lambda: folder.mkdir(parents=True, exist_ok=True))


def _write(archive: Path, file: IO[bytes], target: Path, left: int, limit: int) -> int:
    """Copies at most `left` bytes, counted as they come: the archive's own figures may lie."""
    _make_folder(archive, target.parent)
    written = 0
    with telling_full_disk(target), _in_archive(archive, lambda: open(target, "wb")) as out:
        while block := _in_archive(archive, lambda: file.read(_BLOCK)):
            written += len(block)
            if written > left:
                raise UserError(
                    f"{archive}: more than {limit} bytes when unpacked; not unpacked. If it is"
                    " what it should be, raise the limit max_bytes"
                )
            out.write(block)
    return written
