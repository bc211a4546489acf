"""A dataset's files from their URLs: archives unpacked, other files as they are."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from audioldm_bench.archives import ENDINGS, DamagedArchive, new_folder, unpack
from audioldm_bench.download_ledger import forget_sha256
from audioldm_bench.downloads import download, file_name
from audioldm_bench.errors import UserError
from audioldm_bench.files import telling_full_disk

LARGEST, MOST = 50 * 2**30, 100_000  # bytes and files that an archive may unpack to

Source = Mapping[str, str | None]  # url, and sha256 or None


def fetch_files(
    sources: Sequence[Source],
    folder: Path,
    *,
    lock: Path,
    state: Path,
    hosts: Path | None,
    progress_every: float = 30.0,
) -> list[Path]:
    """Downloads each of `sources` into `folder` under its own name (see `downloads.download`).

    Files that are there and have the right sum are not fetched again. UserError when two have
    the same name.
    """
    names = [file_name(source["url"]) for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{name}: two files of one download have this name; take one out")
    for source, name in zip(sources, names, strict=True):
        download(
            source["url"],
            Path(folder) / name,
            sha256=source["sha256"],
            lock=lock,
            state=Path(state) / name,
            hosts=hosts,
            progress_every=progress_every,
        )
    return [Path(folder) / name for name in names]


def fetch_folder(
    sources: Sequence[Source],
    folder: Path,
    *,
    lock: Path,
    state: Path,
    hosts: Path | None,
    progress_every: float = 30.0,
    max_bytes: int = LARGEST,
    max_files: int = MOST,
) -> None:
    """Downloads `sources` and makes `folder` of them, whole or not at all.

    Archives (by the ending of their names) are unpacked, other files copied. What was downloaded
    is kept in `state` until the folder is there, so a job that is killed while it unpacks fetches
    nothing again. A damaged archive is deleted, and its sum forgotten if it was only recorded.
    """
    state = Path(state)
    options = {"lock": lock, "hosts": hosts, "progress_every": progress_every}
    files = fetch_files(sources, state, state=state / "parts", **options)
    limits = {"max_bytes": max_bytes, "max_files": max_files, "progress_every": progress_every}
    with new_folder(folder) as work:
        for source, file in zip(sources, files, strict=True):
            if not file.name.lower().endswith(ENDINGS):
                with telling_full_disk(work / file.name):
                    shutil.copyfile(file, work / file.name)
                continue
            try:
                unpack(file, work, **limits)
            except DamagedArchive:
                file.unlink()
                if not source["sha256"]:
                    forget_sha256(lock, source["url"])
                raise
    for file in files:
        file.unlink()
