"""Addresses that answer, and all the ways in which they do not, on a local server."""

import http.server
import threading
import time

import pytest

from audioldm_bench.preflight.network import Answer, Needed, ask, check_downloads, needed
from config_cases import DEFAULT, MINI, merged


class Handler(http.server.BaseHTTPRequestHandler):
    """The path says what is answered."""

    def _answer(self):
        self.server.asked.append((self.command, self.path))
        word = self.path.strip("/")
        if word == "busy" and self.server.asked.count((self.command, self.path)) > 1:
            word = "file"
        getattr(self, f"_{word}")()

    do_HEAD = do_GET = _answer

    def _send(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def _file(self):
        self._send(200, Content_Length=1234)

    def _silent(self):
        self._send(200)

    def _missing(self):
        self._send(404)

    def _busy(self):
        self._send(503)

    def _onward(self):
        self._send(302, Location="/file")

    def _headless(self):
        if self.command == "HEAD":
            self._send(403)
        elif self.headers["Range"] == "bytes=0-0":
            self._send(206, Content_Range="bytes 0-0/5678", Content_Length=1)
            self.wfile.write(b"x")

    def _stall(self):
        self.server.released.wait(5)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.asked, made.released = [], threading.Event()
    made.url = f"http://127.0.0.1:{made.server_port}"
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.released.set()
    made.shutdown()
    made.server_close()


def test_a_file_that_is_there(server):
    assert ask(f"{server.url}/file") == Answer(200, 1234)
    assert ask(f"{server.url}/silent").bytes is None
    assert [command for command, _ in server.asked] == ["HEAD", "HEAD"]


def test_a_redirect_is_followed_by_its_head(server):
    assert ask(f"{server.url}/onward") == Answer(200, 1234)
    assert server.asked == [("HEAD", "/onward"), ("HEAD", "/file")]


def test_one_byte_is_asked_for_where_head_is_refused(server):
    assert ask(f"{server.url}/headless") == Answer(206, 5678)
    assert [command for command, _ in server.asked] == ["HEAD", "GET"]


def test_what_is_missing_is_asked_for_once_and_what_is_busy_twice(server):
    assert ask(f"{server.url}/missing").status == 404
    assert len(server.asked) == 1
    assert ask(f"{server.url}/busy", pause=0) == Answer(200, 1234)


def test_a_stall_ends_after_two_short_waits(server):
    start = time.monotonic()
    answer = ask(f"{server.url}/stall", timeout=0.3, pause=0)
    assert answer.status == 0 and "timed out" in answer.reason
    assert 0.5 < time.monotonic() - start < 3
    assert len(server.asked) == 2


def test_nobody_there():
    closed = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    closed.server_close()
    assert ask(f"http://127.0.0.1:{closed.server_port}/", pause=0).status == 0


def test_verdicts(server):
    names = ("file", "missing", "busy", "headless")
    items = [Needed(f"key.{name}", f"{server.url}/{name}") for name in names]
    items.append(Needed("key.ftp", "ftp://127.0.0.1/x"))
    found = check_downloads(items, free=10**6, ask=lambda url: ask(url, tries=1))
    assert [result.state for result in found] == ["ok", "problem", "warning", "ok", "problem", "ok"]
    assert "key.missing" in found[1].finding and "404" in found[1].finding
    assert "5 to fetch, 7 kB in all (3 of unknown size)" in found[-1].finding
    for result in found:
        assert bool(result.cure) == (result.state != "ok")


def test_sizes_are_held_against_the_disk(server):
    items = [Needed("a", f"{server.url}/file")]
    assert check_downloads(items, free=1233)[-1].state == "problem"
    assert check_downloads(items, free=1234)[-1].state == "ok"
    assert check_downloads([], free=0)[0].state == "ok"


def test_no_network_is_one_problem():
    items = [Needed(name, f"http://{name}.invalid/") for name in ("a", "b")]
    found = check_downloads(items, free=1, ask=lambda _: Answer(0, reason="no route"))
    assert len(found) == 1 and found[0].state == "problem"
    assert "none of 2 hosts answers (a.invalid, b.invalid): no route" in found[0].finding


@pytest.mark.parametrize("url", ["http://a..b/x", "http://[bad/x"])
def test_what_is_no_address_is_a_problem_and_no_traceback(url):
    [found] = check_downloads([Needed("lists.x", url)], 10**9, lambda url: ask(url, pause=0))
    assert found.state == "problem" and "answers" in found.finding


def test_one_request_at_a_time_a_host():
    at_once, most, lock = 0, 0, threading.Lock()

    def slow(_url):
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.02)
        with lock:
            at_once -= 1
        return Answer(200, 1)

    one_host = [Needed(str(i), f"http://a/{i}") for i in range(4)]
    check_downloads(one_host, free=10, ask=slow)
    assert most == 1


def test_what_the_papers_study_downloads(tmp_path):
    urls = {item.key: item.url for item in needed(DEFAULT, tmp_path)}
    published = DEFAULT["models"]["published"]
    assert urls["datasets.esc50.download[0]"].endswith(".zip")
    assert urls["datasets.audiocaps"].startswith("https://www.youtube.com")
    assert urls["lists.audioset_eval_data_subset.json"]
    chosen = published["checkpoints"][published["checkpoint"]]
    assert urls[f"models.published.checkpoints.{published['checkpoint']}"] == chosen["url"]
    assert "models.published.backbones.vggish" in urls
    assert not any("audioldm-m" in key for key in urls)


def test_what_is_there_is_not_asked_for(tmp_path):
    name = DEFAULT["models"]["published"]["checkpoint"]
    for path in (
        "resources/datasets/esc50/meta/esc50.csv",
        "resources/datasets/audiocaps/missing.csv",
        f"resources/models/{name}/source.json",
        "resources/backbones/vggish.pth",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    keys = " ".join(item.key for item in needed(DEFAULT, tmp_path))
    for there in ("esc50", "datasets.audiocaps", "checkpoints", "tokenizer", "vggish"):
        assert there not in keys
    assert "urbansound8k" in keys and "panns_cnn14_16k" in keys


def test_a_hubs_folder_is_asked_for_file_by_file(tmp_path):
    entries = DEFAULT["models"]["published"]["checkpoints"]
    name = next(name for name, entry in entries.items() if entry.get("repository"))
    config = merged(DEFAULT, {"models": {"published": {"checkpoint": name}}})
    items = needed(config, tmp_path)
    urls = [item.url for item in items if item.key.endswith(f"checkpoints.{name}")]
    revision = entries[name]["revision"]
    assert any(f"/resolve/{revision}/model_index.json" in url for url in urls) and len(urls) > 5
    other = entries[name]["clap"]["checkpoint"]
    assert entries[other]["url"] in [item.url for item in items]
    assert not any("tokenizer.vocab" in item.key for item in items)  # the folder has its own


def test_a_study_of_its_own_world_downloads_nothing(tmp_path):
    assert needed(merged(DEFAULT, MINI), tmp_path) == []
