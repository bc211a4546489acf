"""A local server that misbehaves in every way we know of, shared by the tests of downloads."""

from __future__ import annotations

import contextlib
import email.utils
import http.server
import threading
import time
from collections.abc import Iterator


class Handler(http.server.BaseHTTPRequestHandler):
    """Each request takes the next word of the server's `script`; "" is a good answer."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        with server.counting:
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
        """Counts how many such answers are under way, until the last block of each."""
        body, server = self._start(), self.server
        with server.counting:
            server.now += 1
            server.most = max(server.most, server.now)
        for start in range(0, len(body), 100_000):
            time.sleep(0.05)
            if start + 100_000 >= len(body):
                with server.counting:
                    server.now -= 1
            self.wfile.write(body[start : start + 100_000])

    def _nolength(self):
        self._head(200, None)
        self.wfile.write(self.server.data)

    def _wrong(self):
        self._head(200, len(self.server.data))
        self.wfile.write(bytes(len(self.server.data)))

    def _busy(self):
        self._head(429, 0, Retry_After="1")

    def _later(self):
        """The other form of Retry-After, a date; it has whole seconds, so 2 s are more than 1."""
        date = email.utils.formatdate(time.time() + 2, usegmt=True)
        self._head(503, 0, Retry_After=date)

    def _500(self):
        self._head(500, 0)

    def _404(self):
        self._head(404, 0)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(data: bytes) -> Iterator[http.server.ThreadingHTTPServer]:
    """Serves `data` at `.url`. Set `.script` (words for the next requests), `.always`, `.tag`,
    `.data`; read `.asked` (headers of the requests) and `.most` (slow answers at once)."""
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    made.script, made.asked, made.always = [], [], ""
    made.counting, made.now, made.most = threading.Lock(), 0, 0
    made.data, made.tag, made.released = data, '"v1"', threading.Event()
    made.handle_error = lambda *_: None  # clients that leave early are part of the test
    made.url = f"http://127.0.0.1:{made.server_port}/file.bin?download=1"
    threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield made
    finally:
        made.released.set()
        made.shutdown()
        made.server_close()
