"""Fetching clips with a yt-dlp that stands in for the real one."""

import os
import sys
import time
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
if name[0] == "m":
    if "--cookies" not in sys.argv:
        sys.exit("ERROR: [youtube] " + name + ": Sign in to confirm your age")
    jar = Path(sys.argv[sys.argv.index("--cookies") + 1])
    assert jar.read_text() == "secret" and jar.stat().st_mode & 0o777 == 0o600
    jar.write_text("renewed")
if name[0] == "t":
    (here / ("run-" + name)).touch()
    time.sleep(0.3)
    with open(here / "together", "a") as file:
        file.write(str(len(list(here.glob("run-*")))) + "\\n")
    (here / ("run-" + name)).unlink()
if name[0] != "n":
    out.write_bytes(b"sound of " + name.encode())
"""


CALM = {"jobs": 2, "pause": 0.0, "retries": 1, "timeout": 60.0}


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
        options = {"state": tmp_path / "state", **CALM} | more
        return fetch_clips(rows, fetch_.audio, fetch_.missing, **options)

    fetch_ = call
    call.audio, call.missing = tmp_path / "data/audio", tmp_path / "data/missing.csv"
    call.log = lambda: (commands / "log").read_text().splitlines()
    call.together = lambda: max(map(int, (commands / "together").read_text().split()))
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


def test_jobs_and_pause_hold(fetch):
    rows = [segment(f"t{number}") for number in range(3)]
    start = time.monotonic()
    fetch(*rows, jobs=1, pause=0.2)
    assert time.monotonic() - start >= 3 * 0.3 + 2 * 0.2
    assert fetch.together() == 1
    fetch(*[segment(f"tt{number}") for number in range(4)], jobs=3)
    assert 1 < fetch.together() <= 3


def test_cookies_are_given_as_copies(fetch, tmp_path):
    jar = tmp_path / "my cookies.txt"
    with pytest.raises(UserError, match="runtime.youtube.cookies: .*is not there"):
        fetch(segment("a"), cookies=jar)
    jar.write_text("secret")
    assert fetch(segment("m")) == {"fetched": 0, "missing": 1}  # asks for an account
    assert fetch(segment("m")) == {"fetched": 0, "missing": 1} and len(fetch.log()) == 1
    assert fetch(segment("m"), cookies=jar) == {"fetched": 1, "missing": 0}
    assert jar.read_text() == "secret" and not list((tmp_path / "state").rglob("cookies.txt"))


def test_gone_and_blocked_are_told_apart():
    assert _is_gone("ERROR: Sign in to confirm your age")
    assert not _is_gone("ERROR: Sign in to confirm your age", Path("cookies.txt"))
    assert not _is_gone("ERROR: Sign in to confirm you're not a bot")
    assert _is_gone("ERROR: [youtube] x: Video unavailable. This video has been removed")
    assert not _is_gone("ERROR: [youtube] x: Video unavailable. Try again later")
    assert not _is_gone("ERROR: HTTP Error 503: Service Unavailable")
    assert not _is_gone("ERROR: Unable to download webpage: timed out")


def test_without_yt_dlp(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(tmp_path)))
    with pytest.raises(UserError, match="yt-dlp is not on PATH.*install it"):
        state = tmp_path / "s"
        fetch_clips([segment("a")], tmp_path / "a", tmp_path / "m.csv", state=state, **CALM)
