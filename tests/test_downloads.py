"""Downloads from a local server that misbehaves in every way we know of."""

import hashlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from audioldm_bench import downloads
from audioldm_bench.downloads import download
from audioldm_bench.errors import UserError

DATA = os.urandom(3_000_000)
SUM = hashlib.sha256(DATA).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Each request takes the next word of the server's `script`; "" is a good answer."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        server.asked.append(dict(self.headers))
        word = server.script.pop(0) if server.script else server.always
        getattr(self, f"_{word or 'good'}")()

    def _head(self, code, length, **headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def _start(self, ranges=True):
        """Sends the head of an answer; returns the bytes that should follow."""
        data, tag = self.server.data, {"ETag": self.server.tag} if self.server.tag else {}
        wanted = self.headers.get("Range")
        fresh = self.headers.get("If-Range", self.server.tag) == self.server.tag
        if not (wanted and ranges and fresh):
            self._head(200, len(data), **tag)
            return data
        first = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if first >= len(data):
            self._head(416, 0, Content_Range=f"bytes */{len(data)}")
            return b""
        place = f"bytes {first}-{len(data) - 1}/{len(data)}"
        self._head(206, len(data) - first, Content_Range=place, **tag)
        return data[first:]

    def _good(self):
        self.wfile.write(self._start())

    def _norange(self):
        self.wfile.write(self._start(ranges=False))

    def _drop(self, ranges=True):
        body = self._start(ranges)
        self.wfile.write(body[: len(body) // 3])

    def _dropall(self):
        self._start()

    def _dropnorange(self):
        self._drop(ranges=False)

    def _stall(self):
        body = self._start()
        self.wfile.write(body[:1000])
        self.wfile.flush()
        self.server.released.wait(5)

    def _slow(self):
        body = self._start()
        for start in range(0, len(body), 100_000):
            self.wfile.write(body[start : start + 100_000])
            time.sleep(0.05)

    def _nolength(self):
        self._head(200, None)
        self.wfile.write(self.server.data)

    def _wrong(self):
        self._head(200, len(DATA))
        self.wfile.write(bytes(len(DATA)))

    def _busy(self):
        self._head(429, 0, Retry_After="1")

    def _500(self):
        self._head(500, 0)

    def _404(self):
        self._head(404, 0)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    made.script, made.asked, made.always = [], [], ""
    made.data, made.tag, made.released = DATA, '"v1"', threading.Event()
    made.handle_error = lambda *_: None  # clients that leave early are part of the test
    made.url = f"http://127.0.0.1:{made.server_port}/file.bin?download=1"
    threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
    yield made
    made.released.set()
    made.shutdown()
    made.server_close()


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


def test_full_disk_is_told(server, fetch, monkeypatch):
    def full(file, block, source):
        class Full:
            def write(self, _):
                raise OSError(28, "No space left on device")

        return real(Full(), block, source)

    real = downloads._append
    monkeypatch.setattr(downloads, "_append", full)
    with pytest.raises(UserError, match="the disk is full"):
        fetch()


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
    assert not fetch.path.exists()
    assert fetch() == SUM and fetch.path.read_bytes() == DATA
    assert ranges(server)[-1] > 300_000
