"""A dataset's files from a local server: archives, plain files, kills, politeness."""

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile

import pytest

from audioldm_bench import download_ledger
from audioldm_bench.datasets import fetch
from audioldm_bench.datasets.fetch import fetch_files, fetch_folder
from audioldm_bench.downloads import download, tell_licence
from audioldm_bench.errors import UserError
from bad_server import serving


def zipped(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


SOUNDS = zipped({"sounds/a.wav": b"a", "sounds/b.wav": b"b"})


@pytest.fixture
def server():
    with serving(SOUNDS) as made:
        made.at = lambda name: made.url.replace("file.bin", name)
        yield made


@pytest.fixture
def places(tmp_path):
    return {
        "lock": tmp_path / "lock.json",
        "state": tmp_path / "state",
        "hosts": tmp_path / "hosts",
    }


def found(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def remains(folder):
    return [p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")]


def test_archives_and_files_make_one_folder(server, tmp_path, places):
    names = ["one.zip", "two.zip", "metadata.csv"]
    sources = [{"url": server.at(name), "sha256": None} for name in names]
    fetch_folder(sources, tmp_path / "data", **places)
    assert found(tmp_path / "data") == ["metadata.csv", "sounds/a.wav", "sounds/b.wav"]
    assert not remains(places["state"])
    with pytest.raises(UserError, match="one.zip: two files of one download have this name"):
        fetch_folder([*sources, sources[0]], tmp_path / "data", **places)


def test_what_was_unpacked_halfway_is_not_fetched_again(server, tmp_path, places, monkeypatch):
    sources = [{"url": server.at("one.zip"), "sha256": None}]

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(fetch, "unpack", killed)
    with pytest.raises(KeyboardInterrupt):
        fetch_folder(sources, tmp_path / "data", **places)
    assert not (tmp_path / "data").exists() and len(server.asked) == 1
    monkeypatch.undo()
    fetch_folder(sources, tmp_path / "data", **places)
    assert found(tmp_path / "data") == ["sounds/a.wav", "sounds/b.wav"] and len(server.asked) == 1


KILLED = """
import sys, time
from pathlib import Path
from audioldm_bench.datasets import fetch
real = fetch.unpack
def slow(archive, work, **more):
    real(archive, work, **more)
    (work.parent / "unpacked").touch()
    time.sleep(60)
fetch.unpack = slow
url, folder = sys.argv[1], Path(sys.argv[2])
places = {name: folder / name for name in ("lock", "state", "hosts")}
fetch.fetch_folder([{"url": url, "sha256": None}], folder / "data", **places)
"""


def test_a_kill_while_unpacking_leaves_no_folder_and_fetches_nothing_again(server, tmp_path):
    child = subprocess.Popen([sys.executable, "-c", KILLED, server.at("one.zip"), str(tmp_path)])
    deadline = time.monotonic() + 60
    while not (tmp_path / "unpacked").exists():
        assert time.monotonic() < deadline and child.poll() is None
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not (tmp_path / "data").exists() and (tmp_path / ".data.unpacking").exists()
    places = {name: tmp_path / name for name in ("lock", "state", "hosts")}
    fetch_folder([{"url": server.at("one.zip"), "sha256": None}], tmp_path / "data", **places)
    assert found(tmp_path / "data") == ["sounds/a.wav", "sounds/b.wav"]
    assert len(server.asked) == 1 and not (tmp_path / ".data.unpacking").exists()


def test_wrong_bytes_never_become_a_folder(server, tmp_path, places):
    sources = [{"url": server.at("one.zip"), "sha256": "0" * 64}]
    with pytest.raises(UserError, match="not 0000"):
        fetch_folder(sources, tmp_path / "data", **places)
    assert not (tmp_path / "data").exists() and not remains(places["state"])


def test_a_page_in_place_of_an_archive_is_not_trusted_for_ever(server, tmp_path, places):
    """Its sum was recorded at first use; the right file must not be refused for it later."""
    sources = [{"url": server.at("one.zip"), "sha256": None}]
    server.data = b"<html>please try again</html>"
    with pytest.raises(UserError, match="no archive"):
        fetch_folder(sources, tmp_path / "data", **places)
    assert not (tmp_path / "data").exists() and json.loads(places["lock"].read_text()) == {}
    server.data, server.tag = SOUNDS, '"v2"'
    fetch_folder(sources, tmp_path / "data", **places)
    assert found(tmp_path / "data") == ["sounds/a.wav", "sounds/b.wav"]
    assert json.loads(places["lock"].read_text()) == {
        server.at("one.zip"): hashlib.sha256(SOUNDS).hexdigest()
    }


def test_bombs_are_refused_and_kept_for_a_look(server, tmp_path, places):
    sources = [{"url": server.at("one.zip"), "sha256": None}]
    with pytest.raises(UserError, match="more than 1 entries.*max_files"):
        fetch_folder(sources, tmp_path / "data", max_files=1, **places)
    assert not (tmp_path / "data").exists() and (places["state"] / "one.zip").exists()


def test_tables_that_are_there_are_not_fetched_again(server, tmp_path, places):
    sources = [{"url": server.at(name), "sha256": None} for name in ("train.csv", "test.csv")]
    made = fetch_files(sources, tmp_path / "data", **places)
    assert [path.name for path in made] == ["train.csv", "test.csv"]
    assert all(path.read_bytes() == SOUNDS for path in made)
    fetch_files(sources, tmp_path / "data", **places)
    assert len(server.asked) == 2


# ------------------------------------------------------------------------------ politeness
def together(server, tmp_path, number, hosts):
    """Starts `number` slow downloads at once; returns how many were under way at most."""
    server.data, server.always = os.urandom(400_000), "slow"

    def one(name):
        paths = {"lock": tmp_path / "lock.json", "state": tmp_path / f"state-{name}"}
        download(server.at(name), tmp_path / name, sha256=None, hosts=hosts, **paths)

    threads = [threading.Thread(target=one, args=(f"f{n}",)) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((tmp_path / f"f{n}").stat().st_size == 400_000 for n in range(number))
    return server.most


def test_a_server_is_asked_for_two_files_at_once(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(download_ledger, "_LOOK_AGAIN", 0.02)
    assert together(server, tmp_path, 6, tmp_path / "hosts") == download_ledger.PER_HOST == 2
    assert "waiting: 2 downloads from 127.0.0.1" in capsys.readouterr().err


def test_without_a_folder_of_hosts_there_is_no_limit(server, tmp_path):
    assert together(server, tmp_path, 5, None) > 2


def test_another_server_has_places_of_its_own(server, tmp_path):
    at = download_ledger.place_at_host
    with at(server.url, tmp_path), at(server.url, tmp_path), at("https://other.org/x", tmp_path):
        assert download_ledger._free_place(tmp_path, "other.org") is not None
        full = server.url.split("/")[2].replace(":", "_")
        assert download_ledger._free_place(tmp_path, full) is None


def test_the_licence_is_told(capsys):
    tell_licence("esc50", "CC BY-NC 3.0")
    assert capsys.readouterr().err == "[esc50] licence: CC BY-NC 3.0 (docs/licences.md)\n"
