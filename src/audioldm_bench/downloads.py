"""Downloads that survive a kill, and archives that cannot write where they should not.

A file is fetched into a `.part` file in a state folder outside the declared output, continued by
HTTP range after a kill or a dropped connection, checked, and only then given its name. A file
whose sha256 is not known yet is recorded in a lock file at its first download (trust on first
use) and checked against that from then on.
"""

from __future__ import annotations

import contextlib
import email.utils
import errno
import fcntl
import http.client
import math
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from audioldm_bench import __version__
from audioldm_bench.archives import unpack as unpack
from audioldm_bench.errors import UserError
from audioldm_bench.files import file_sha256, read_json, write_atomically, write_json
from audioldm_bench.progress import Progress
from audioldm_bench.resume import clear_state, fingerprint, resume_state

LONGEST_WAIT = 300.0  # s between two tries, whatever the server asks for
_BLOCK = 1 << 18  # bytes a read
_MB = 1e6
_RETRIED = {408, 425, 429, 500, 502, 503, 504}  # the others will not get better by waiting
_DROPPED = (OSError, http.client.HTTPException)


class _TryAgain(Exception):
    """This try failed in a way that another may not; `wait` is the server's wish in s, or None."""

    def __init__(self, reason: str, wait: float | None = None):
        super().__init__(reason)
        self.wait = wait


@dataclass
class _Source:
    """What a download needs to know in all of its steps."""

    url: str
    folder: Path
    has_sum: bool  # a known sha256 will tell whether two tries fit together
    timeout: float
    progress_every: float

    @property
    def part(self) -> Path:
        return self.folder / "download.part"

    @property
    def validator(self) -> Path:
        """Holds the ETag or the date of what is in `part`; empty when the server names none."""
        return self.folder / "validator"


def download(
    url: str,
    path: Path,
    *,
    sha256: str | None,
    lock: Path,
    state: Path,
    retries: int = 5,
    timeout: float = 60.0,
    backoff: float = 1.0,
    progress_every: float = 30.0,
) -> str:
    """Fetches `url` to `path`, whole and checked or not at all; returns its sha256.

    `sha256` None: the lock file's, else recorded there. `state` is this download's own folder.
    After a failure it waits (Retry-After, else `backoff` s doubling) and goes on; it gives up
    after `retries` failures in a row that brought nothing new. UserError on a URL that does not
    answer, that is not there, or whose bytes are not the expected ones.
    """
    if not url.startswith(("http://", "https://")):
        raise UserError(f"{url}: only http:// and https:// URLs can be downloaded")
    path = Path(path)
    with resume_state(Path(state), fingerprint(url=url)) as folder:
        expected = sha256 or _locked(lock, url)
        if expected and path.is_file() and file_sha256(path) == expected:
            return expected
        source = _Source(url, folder, bool(expected), timeout, progress_every)
        found = _fetch_checked(source, expected, retries, backoff)
        if not expected:
            _record(lock, url, found)
        with write_atomically(path) as draft:
            shutil.move(source.part, draft)
        clear_state(folder)
    return found


def _fetch_checked(source: _Source, expected: str | None, retries: int, backoff: float) -> str:
    """Fetches the part whole. A wrong sum of a continued file is tried once more from its start."""
    continued = source.part.exists()
    while True:
        continued |= _fetch(source, retries, backoff)
        found = file_sha256(source.part)
        if expected in (None, found):
            return found
        source.part.unlink()
        if not continued:
            raise UserError(
                f"{source.url}: sha256 is {found}, not {expected} as the config or the lock file"
                " says; the file has changed at its source or was tampered with. Nothing was kept:"
                " find out which, then set the new sha256 or remove the URL from the lock file"
            )
        continued = False


def _fetch(source: _Source, retries: int, backoff: float) -> bool:
    """Until the part is whole. Whether it was put together from several tries."""
    failures, furthest, tries = 0, _size(source.part), 0
    while True:
        tries += 1
        try:
            _try(source)
            return tries > 1
        except _TryAgain as trouble:
            size = _size(source.part)
            failures = 1 if size > furthest else failures + 1
            furthest = max(size, furthest)
            if failures > retries:
                raise UserError(
                    f"{source.url}: {trouble}; gave up after {failures} tries. Check the network"
                    " and run again: it continues where it stopped"
                ) from None
            wish = backoff * 2 ** (failures - 1) if trouble.wait is None else trouble.wait
            wait = min(wish, LONGEST_WAIT)
            print(f"{source.url}: {trouble}; again in {wait:.0f} s", file=sys.stderr, flush=True)
            time.sleep(wait)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _try(source: _Source) -> None:
    """One request, from where the part ends. _TryAgain when it did not come to the end."""
    validator = source.validator.read_text() if source.validator.exists() else ""
    have = _size(source.part) if validator or source.has_sum else 0
    headers = {"User-Agent": f"audioldm-bench/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-"} | ({"If-Range": validator} if validator else {})
    request = urllib.request.Request(source.url, headers=headers)
    try:
        response = urllib.request.urlopen(request, timeout=source.timeout)
    except urllib.error.HTTPError as error:
        _refused(source, error, have)
        return
    except _DROPPED as error:
        raise _TryAgain(f"no answer ({getattr(error, 'reason', error)})") from None
    with response:
        if have and not _continues(response, have):
            have = 0
        if not have:
            source.part.unlink(missing_ok=True)
            etag = response.headers.get("ETag", "W/")
            date = response.headers.get("Last-Modified", "")
            source.validator.write_text(date if etag.startswith("W/") else etag)
        _receive(source, response, have)


def _continues(response: http.client.HTTPResponse, have: int) -> bool:
    """Whether the answer begins at byte `have`; a server without ranges sends all of it (200)."""
    sent = response.headers.get("Content-Range", "")
    return response.status == 206 and sent.startswith(f"bytes {have}-")


def _refused(source: _Source, error: urllib.error.HTTPError, have: int) -> None:
    """Returns when the part is whole already; otherwise raises what the status means."""
    with error:
        if error.code == 416 and have:
            if error.headers.get("Content-Range", "") == f"bytes */{have}":
                return
            source.part.unlink(missing_ok=True)
            raise _TryAgain("the partial file does not fit what the server has")
        if error.code in _RETRIED:
            wish = _retry_after(error.headers.get("Retry-After"))
            raise _TryAgain(f"the server says {error.code} {error.reason}", wish)
        raise UserError(
            f"{source.url}: the server says {error.code} {error.reason}; check the URL in the"
            " config, or fetch the file by hand and set a folder or path of yours"
        )


def _retry_after(text: str | None) -> float | None:
    """Seconds, of either form that HTTP allows."""
    if not text:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None


def _receive(source: _Source, response: http.client.HTTPResponse, have: int) -> None:
    length = response.headers.get("Content-Length")
    total = have + int(length) if length else None
    name = source.url.split("?")[0].rsplit("/", 1)[-1]
    tell = _teller(name, total, source.progress_every)
    with open(source.part, "ab") as file:
        while True:
            try:
                block = response.read1(_BLOCK)
            except _DROPPED as error:
                raise _TryAgain(f"the connection broke after {have} bytes ({error})") from None
            if not block:
                break
            _append(file, block, source)
            have += len(block)
            tell(have)
    if total is not None and have != total:
        raise _TryAgain(f"the connection ended after {have} of {total} bytes")


def _teller(name: str, total: int | None, every: float) -> Callable[[int], None]:
    """Shows how many bytes are there; generated archives come without a length."""
    if total is not None:
        progress = Progress(name, math.ceil(total / _MB), unit="MB", every=every)
    last = {"MB": -1, "time": -math.inf}

    def tell(have: int) -> None:
        megabytes, now = math.ceil(have / _MB), time.monotonic()
        if megabytes == last["MB"]:
            return
        last["MB"] = megabytes
        if total is not None:
            progress.update(megabytes)
        elif now - last["time"] >= every:
            last["time"] = now
            print(f"[{name}] {megabytes} MB", file=sys.stderr, flush=True)

    return tell


def _append(file, block: bytes, source: _Source) -> None:
    try:
        file.write(block)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(
                f"{source.part}: the disk is full; make room and run again: it continues there"
            ) from None
        raise


# -------------------------------------------------------------------------- the lock file
def _locked(lock: Path, url: str) -> str | None:
    """The recorded sha256 of `url`, if it was downloaded before."""
    lock = Path(lock)
    if not lock.is_file():
        return None
    try:
        return read_json(lock).get(url)
    except (ValueError, AttributeError):
        raise UserError(f"{lock}: not a lock file of downloads; restore it or remove it") from None


def _record(lock: Path, url: str, sha256: str) -> None:
    """Adds a checksum; other downloads may do so at the same time."""
    lock = Path(lock)
    with _alone(lock):
        known = read_json(lock) if lock.is_file() else {}
        if known.get(url, sha256) != sha256:
            raise UserError(f"{url}: two downloads at once differ, see {lock}; run again")
        write_json(lock, known | {url: sha256})


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(f".{path.name}.flock"), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
