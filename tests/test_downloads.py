"""Downloads from a local server that misbehaves in every way we know of."""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from audioldm_bench import downloads
from audioldm_bench.downloads import download, file_name
from audioldm_bench.errors import UserError
from bad_server import serving

DATA = os.urandom(3_000_000)
SUM = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server():
    with serving(DATA) as made:
        yield made


@pytest.fixture
def fetch(server, tmp_path):
    """Downloads the server's file with short waits."""

    def call(sha256=SUM, **more):
        options = {"retries": 3, "timeout": 5, "backoff": 0.01} | more
        path = tmp_path / "deep/file.bin"
        lock, state = tmp_path / "lock.json", tmp_path / "state"
        return download(server.url, path, sha256=sha256, lock=lock, state=state, **options)

    call.path, call.lock = tmp_path / "deep/file.bin", tmp_path / "lock.json"
    call.part = tmp_path / "state/download.part"
    return call


def ranges(server):
    return [int(h["Range"][6:-1]) if "Range" in h else 0 for h in server.asked]


def test_good_download_then_nothing_to_do(server, fetch):
    assert fetch() == SUM and fetch.path.read_bytes() == DATA
    assert not fetch.lock.exists() and not fetch.part.exists()
    assert fetch() == SUM and len(server.asked) == 1
    fetch.path.write_bytes(b"spoilt")
    assert fetch() == SUM and fetch.path.read_bytes() == DATA


def test_dropped_connections_continue_where_they_broke(server, fetch):
    server.script = ["drop", "drop", "500", "drop"]
    assert fetch() == SUM and fetch.path.read_bytes() == DATA
    begun = ranges(server)
    assert begun[:2] == [0, 1_000_000] and begun == sorted(begun) and begun[4] > begun[3]


def test_without_range_support_it_starts_over(server, fetch):
    server.script = ["dropnorange", "norange"]
    assert fetch() == SUM and fetch.path.read_bytes() == DATA
    assert ranges(server) == [0, 1_000_000]


def test_a_file_that_changed_meanwhile_is_not_glued(server, fetch):
    server.script = ["drop", "dropall", "dropall", "dropall"]
    with pytest.raises(UserError, match=r"the connection ended after 1000000 of 3000000 bytes"):
        fetch(sha256=None, retries=2)
    assert fetch.part.stat().st_size == 1_000_000 and not fetch.path.exists()
    server.script, server.data, server.tag = [], DATA[::-1], '"v2"'
    assert fetch(sha256=None) == hashlib.sha256(DATA[::-1]).hexdigest()
    assert fetch.path.read_bytes() == DATA[::-1]


def test_a_wrong_part_is_fetched_again_from_its_start(server, fetch):
    server.script, server.tag = ["drop", "500", "500"], ""
    with pytest.raises(UserError, match="gave up"):
        fetch(retries=1)
    fetch.part.write_bytes(b"?" * 1_000_000)
    assert fetch() == SUM and fetch.path.read_bytes() == DATA
    assert ranges(server)[-2:] == [1_000_000, 0]


def test_a_whole_part_is_only_checked(server, fetch):
    server.script = ["drop", "500", "500"]
    with pytest.raises(UserError, match="500"):
        fetch(retries=1)
    fetch.part.write_bytes(DATA)
    assert fetch() == SUM and fetch.path.read_bytes() == DATA
    assert ranges(server)[-1] == len(DATA)


def test_stall_is_broken_off_and_continued(server, fetch):
    server.script = ["stall"]
    assert fetch(timeout=0.3) == SUM
    assert ranges(server) == [0, 1000]


def test_no_length_as_of_generated_archives(server, fetch, capsys):
    server.script = ["nolength"]
    assert fetch(progress_every=0) == SUM
    assert "[file.bin] 3 MB" in capsys.readouterr().err


def test_retry_after_is_kept(server, fetch):
    server.script = ["busy"]
    start = time.monotonic()
    assert fetch() == SUM
    assert time.monotonic() - start >= 1.0 and len(server.asked) == 2


def test_wrong_bytes_leave_nothing(server, fetch):
    server.always = "wrong"
    with pytest.raises(UserError, match=f"not {SUM} as the config or the lock file"):
        fetch()
    assert len(server.asked) == 1 and not fetch.path.exists() and not fetch.part.exists()


def test_404_is_told_at_once(server, fetch):
    server.always = "404"
    with pytest.raises(UserError, match="file.bin.*404 Not Found; check the URL"):
        fetch()
    assert len(server.asked) == 1 and not fetch.path.exists()


def test_it_gives_up_when_nothing_comes(server, fetch):
    server.always = "500"
    with pytest.raises(UserError, match="500.*gave up after 3 tries"):
        fetch(retries=2)
    assert len(server.asked) == 3


def test_trust_on_first_use(server, fetch):
    fetch.lock.write_text(json.dumps({"http://other": "0"}))
    assert fetch(sha256=None) == SUM
    assert json.loads(fetch.lock.read_text()) == {"http://other": "0", server.url: SUM}
    fetch.path.unlink()
    server.always = "wrong"
    with pytest.raises(UserError, match="lock file"):
        fetch(sha256=None)
    fetch.lock.write_text("[")
    with pytest.raises(UserError, match="lock.json: not a lock file"):
        fetch(sha256=None)


def test_no_server_and_no_http(tmp_path):
    options = {"sha256": None, "lock": tmp_path / "l", "state": tmp_path / "s"}
    with pytest.raises(UserError, match="no answer.*Check the network"):
        download("http://127.0.0.1:9/x", tmp_path / "x", retries=1, backoff=0, **options)
    with pytest.raises(UserError, match="only http"):
        download("file:///etc/passwd", tmp_path / "x", **options)


def test_retry_after_in_both_forms():
    assert downloads._retry_after("7") == 7.0 and downloads._retry_after("soon") is None
    assert downloads._retry_after("Fri, 31 Dec 1999 23:59:59 GMT") == 0.0


def test_a_server_that_is_busy_until_a_date(server, fetch):
    server.script = ["later"]
    start = time.monotonic()
    assert fetch() == SUM
    assert 0.9 < time.monotonic() - start < 5 and len(server.asked) == 2


def test_waits_double_and_differ_between_jobs(server, fetch, monkeypatch):
    waits = []
    monkeypatch.setattr(downloads.time, "sleep", waits.append)
    server.always = "500"
    for _ in range(2):
        with pytest.raises(UserError, match="gave up"):
            fetch(retries=9, backoff=1.0)
    first, second = waits[:9], waits[9:]
    assert all(2**n <= wait <= 1.5 * 2**n for n, wait in enumerate(first[:8]))
    assert first[8] <= downloads.LONGEST_WAIT
    assert first[:8] != second[:8]


def test_a_full_disk_is_told_and_continued(server, fetch, monkeypatch):
    def full(path, mode):
        file = open(path, mode)  # noqa: SIM115
        write = file.write

        class Full:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                file.close()

            def write(self, block):
                if file.tell() + len(block) > 1_000_000:
                    raise OSError(errno.ENOSPC, "No space left on device")
                write(block)

        return Full()

    monkeypatch.setattr(downloads, "open", full, raising=False)
    with pytest.raises(UserError, match=r"download\.part: the disk is full; make room"):
        fetch()
    assert not fetch.path.exists() and fetch.part.stat().st_size > 100_000
    monkeypatch.undo()
    assert fetch() == SUM and ranges(server)[-1] > 100_000


def test_files_have_the_rights_that_the_umask_gives(server, fetch):
    old = os.umask(0o027)
    try:
        fetch(sha256=None)
    finally:
        os.umask(old)
    assert fetch.path.stat().st_mode & 0o777 == fetch.lock.stat().st_mode & 0o777 == 0o640


def test_the_name_in_a_url():
    assert file_name("https://x.org/a/b%20c.tar.gz?download=1") == "b c.tar.gz"
    for end in ("/a/", "", "/..", "/%2e%2e", "/a%2fb"):
        with pytest.raises(UserError, match="does not end in the name of a file"):
            file_name(f"https://x.org{end}")


def test_a_killed_download_goes_on(server, fetch, tmp_path):
    server.script = ["slow"]
    code = (
        "import sys; from pathlib import Path; from audioldm_bench.downloads import download;"
        "u, p, l, s, h = sys.argv[1:]; download(u, Path(p), sha256=h, lock=Path(l), state=Path(s))"
    )
    places = [server.url, fetch.path, fetch.lock, tmp_path / "state", SUM]
    child = subprocess.Popen([sys.executable, "-c", code, *map(str, places)])
    deadline = time.monotonic() + 60
    while not (fetch.part.exists() and fetch.part.stat().st_size > 300_000):
        assert time.monotonic() < deadline and child.poll() is None
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not fetch.path.parent.exists()
    assert fetch() == SUM and fetch.path.read_bytes() == DATA
    assert ranges(server)[-1] > 300_000
    assert [p.name for p in fetch.path.parent.iterdir()] == ["file.bin"]
    assert not [p for p in (tmp_path / "state").iterdir() if not p.name.startswith(".")]
