"""What downloads share: the checksums of first use, and the places at each server."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from audioldm_bench.errors import UserError
from audioldm_bench.files import read_json, write_json

HOSTS = Path("resources/state/hosts")  # where the workflow's downloads keep their places
PER_HOST = 2  # downloads from one server at once, over all jobs of a study
_LOOK_AGAIN = 0.5  # s


def recorded_sha256(lock: Path, url: str) -> str | None:
    """The sha256 of `url` in the lock file, if it was downloaded before."""
    lock = Path(lock)
    if not lock.is_file():
        return None
    try:
        return read_json(lock).get(url)
    except (ValueError, AttributeError):
        raise UserError(f"{lock}: not a lock file of downloads; restore it or remove it") from None


def record_sha256(lock: Path, url: str, sha256: str) -> None:
    """Adds a checksum to the lock file. UserError when another download added another one."""
    with _alone(lock) as known:
        if known.get(url, sha256) != sha256:
            raise UserError(f"{url}: two downloads at once differ, see {lock}; run again")
        known[url] = sha256


def forget_sha256(lock: Path, url: str) -> None:
    """Takes a checksum out of the lock file: what was recorded turned out not to be the file."""
    with _alone(lock) as known:
        known.pop(url, None)


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[dict[str, str]]:
    """The checksums, to be changed; other downloads, which do so too, wait until it is written."""
    lock = Path(lock)
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock.with_name(f".{lock.name}.flock"), "w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        known = read_json(lock) if lock.is_file() else {}
        yield known
        write_json(lock, known)


@contextlib.contextmanager
def place_at_host(url: str, hosts: Path | None) -> Iterator[None]:
    """Holds one of the PER_HOST places at the server of `url`, once one is free.

    All downloads that name the same folder `hosts` share the places, whatever their process. A
    killed one leaves its place by itself. None: no limit.
    """
    if hosts is None:
        yield
        return
    name = re.sub(r"[^A-Za-z0-9.-]", "_", urlsplit(url).netloc)
    Path(hosts).mkdir(parents=True, exist_ok=True)
    told = False
    while (place := _free_place(Path(hosts), name)) is None:
        if not told:
            told = True
            words = f"waiting: {PER_HOST} downloads from {name} are under way"
            print(words, file=sys.stderr, flush=True)
        time.sleep(_LOOK_AGAIN)
    try:
        yield
    finally:
        os.close(place)


def _free_place(hosts: Path, name: str) -> int | None:
    """A locked file descriptor, to be closed when the place is left."""
    for number in range(PER_HOST):
        place = os.open(hosts / f"{name}-{number}", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(place)
        else:
            return place
    return None
