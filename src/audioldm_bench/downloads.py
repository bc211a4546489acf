"""Downloads that survive a kill, and leave a file whole or not at all.

A file is fetched into a `.part` file in a state folder outside the declared output, continued by
HTTP range after a kill or a dropped connection, checked, and only then given its name. A file
whose sha256 is not known yet is recorded in a lock file at its first download (trust on first
use) and checked against that from then on.
"""

from __future__ import annotations

import email.utils
import http.client
import math
import random
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from audioldm_bench import __version__
from audioldm_bench.download_ledger import place_at_host, record_sha256, recorded_sha256
from audioldm_bench.errors import UserError
from audioldm_bench.files import file_sha256, move_whole, telling_full_disk
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
    hosts: Path | None = None,
    progress_every: float = 30.0,
) -> str:
    """Fetches `url` to `path`, whole and checked or not at all; returns its sha256.

    `sha256` None: the lock file's, else recorded there. `state` is this download's own folder.
    After a failure it waits (Retry-After, else `backoff` s, doubling, and up to half as long
    again, so that jobs that failed together do not come back together) and goes on; it gives up
    after `retries` failures in a row that brought nothing new. `hosts` is the folder in which all
    downloads of a study keep their places at each server; None: no limit. UserError on a URL that
    does not answer, that is not there, or whose bytes are not the expected ones.
    """
    if not url.startswith(("http://", "https://")):
        raise UserError(f"{url}: only http:// and https:// URLs can be downloaded")
    path = Path(path)
    with resume_state(Path(state), fingerprint(url=url)) as folder:
        expected = sha256 or recorded_sha256(lock, url)
        if expected and path.is_file() and file_sha256(path) == expected:
            return expected
        source = _Source(url, folder, bool(expected), timeout, progress_every)
        with place_at_host(url, hosts):
            found = _fetch_checked(source, expected, retries, backoff)
        if not expected:
            record_sha256(lock, url, found)
        move_whole(source.part, path)
        clear_state(folder)
    return found


def file_name(url: str) -> str:
    """The name of the file at `url`, without a query. UserError when the URL has none."""
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise UserError(f"{url}: this URL does not end in the name of a file; correct it")
    return name


def tell_licence(name: str, licence: str) -> None:
    """Says under which terms what is about to be downloaded is given."""
    print(f"[{name}] licence: {licence} (docs/licences.md)", file=sys.stderr, flush=True)


def _fetch_checked(source: _Source, expected: str | None, retries: int, backoff: float) -> str:
    """Fetches the part whole. A wrong sum of a continued file is tried once more from its start."""
    continued = source.part.exists()
    while True:
        continued |= _fetch(source, retries, backoff)
        found = file_sha256(source.part)
        if expected in (None, found):
            return found
        source.part.unlink()
        source.validator.unlink(missing_ok=True)
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
            wait = trouble.wait
            if wait is None:
                wait = backoff * 2 ** (failures - 1) * random.uniform(1.0, 1.5)
            wait = min(wait, LONGEST_WAIT)
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
    name = urlsplit(source.url).path.rpartition("/")[2]
    tell = _teller(name, total, source.progress_every)
    with telling_full_disk(source.part), open(source.part, "ab") as file:
        while True:
            try:
                block = response.read1(_BLOCK)
            except _DROPPED as error:
                raise _TryAgain(f"the connection broke after {have} bytes ({error})") from None
            if not block:
                break
            file.write(block)
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
