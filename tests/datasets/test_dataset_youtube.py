"""Fetching clips with a yt-dlp that stands in for the real one."""

import os
import sys
from pathlib import Path

import pytest

from audioldm_bench.datasets.manifest import read_missing
from audioldm_bench.datasets.youtube import _is_gone, fetch_clips
from audioldm_bench.datasets.youtube_clips import Segment
from audioldm_bench.errors import UserError

# Writes its arguments to a log; what it does depends on the first letter of the clip's id.
FAKE = """#!{python}
import os, sys, time
from pathlib import Path
here = Path(__file__).parent
name = sys.argv[-1].split("v=")[1]
out = Path(sys.argv[sys.argv.index("--output") + 1].replace("%(ext)s", "flac"))
with open(here / "log", "a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n")
times = (here / "log").read_text().count("v=" + name)
if name[0] == "g":
    sys.exit("WARNING: hm\\nERROR: [youtube] " + name + ": Private video. Sign in")
if name[0] == "b" or name[0] == "r" and times < 2:
    sys.exit("ERROR: [youtube] HTTP Error 503: Service Unavailable")
if name[0] == "s":
    time.sleep(30)
if name[0] != "n":
    out.write_bytes(b"sound of " + name.encode())
"""


def segment(letter, start=20.0):
    return Segment(letter.ljust(11, "x"), start, start + 10)


@pytest.fixture
def fetch(tmp_path, monkeypatch):
    """Calls fetch_clips with the stand-in on PATH, without rests."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for name in ("yt-dlp", "ffmpeg"):
        (commands / name).write_text(FAKE.format(python=sys.executable))
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(commands), prepend=os.pathsep)

    def call(*rows, **more):
        options = {"state": tmp_path / "state", "pause": 0.0, "retries": 1} | more
        return fetch_clips(rows, fetch_.audio, fetch_.missing, **options)

    fetch_ = call
    call.audio, call.missing = tmp_path / "data/audio", tmp_path / "data/missing.csv"
    call.log = lambda: (commands / "log").read_text().splitlines()
    return call


def test_clips_are_fetched_and_what_fails_is_listed(fetch):
    rows = [segment(letter) for letter in ("a", "g", "r", "b", "n", "-c")]
    assert fetch(*rows) == {"fetched": 3, "missing": 3}
    assert sorted(p.name for p in fetch.audio.iterdir()) == [
        "Y-cxxxxxxxxx.flac",
        "Yaxxxxxxxxxx.flac",
        "Yrxxxxxxxxxx.flac",
    ]
    assert (fetch.audio / "Yaxxxxxxxxxx.flac").read_bytes() == b"sound of axxxxxxxxxx"
    missing = read_missing(fetch.missing)
    assert set(missing) == {"Ygxxxxxxxxxx", "Ybxxxxxxxxxx", "Ynxxxxxxxxxx"}
    assert missing["Ygxxxxxxxxxx"].startswith("ERROR: [youtube] gxxxxxxxxxx: Private video")
    assert "made no sound" in missing["Ynxxxxxxxxxx"]
    assert all("--download-sections *20-30 " in line for line in fetch.log())


def test_a_second_run_asks_only_for_what_may_still_come(fetch):
    rows = [segment(letter) for letter in "agb"]
    fetch(*rows, retries=0)
    asked = len(fetch.log())
    assert fetch(*rows, retries=0) == {"fetched": 0, "missing": 2}
    assert [line[-11:] for line in fetch.log()[asked:]] == ["bxxxxxxxxxx"]
    assert set(read_missing(fetch.missing)) == {"Ygxxxxxxxxxx", "Ybxxxxxxxxxx"}


def test_a_users_own_file_is_not_fetched(fetch):
    fetch.audio.mkdir(parents=True)
    (fetch.audio / "axxxxxxxxxx.mp3").write_bytes(b"mine")
    assert fetch(segment("a")) == {"fetched": 0, "missing": 0}
    assert read_missing(fetch.missing) == {}


def test_a_call_without_end_is_broken_off(fetch):
    assert fetch(segment("s"), timeout=0.5, retries=0) == {"fetched": 0, "missing": 1}
    assert read_missing(fetch.missing) == {"Ysxxxxxxxxxx": "no end after 0.5 s"}


def test_it_stops_when_it_is_blocked(fetch):
    rows = [segment(f"b{number}") for number in range(30)]
    with pytest.raises(UserError, match="in a row could not be fetched.*503"):
        fetch(*rows, retries=0)
    assert 10 <= len(fetch.log()) <= 12


def test_gone_and_blocked_are_told_apart():
    assert _is_gone("ERROR: [youtube] x: Video unavailable. This video has been removed")
    assert not _is_gone("ERROR: [youtube] x: Video unavailable. Try again later")
    assert not _is_gone("ERROR: HTTP Error 503: Service Unavailable")
    assert not _is_gone("ERROR: Unable to download webpage: timed out")


def test_without_yt_dlp(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(tmp_path)))
    with pytest.raises(UserError, match="yt-dlp is not on PATH.*install it"):
        fetch_clips([segment("a")], tmp_path / "a", tmp_path / "m.csv", state=tmp_path / "s")
