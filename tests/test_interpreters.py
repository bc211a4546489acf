"""Functions that another Python runs: arguments, progress, mistakes, ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from audioldm_bench.errors import UserError
from audioldm_bench.interpreters import call, clap_python
from audioldm_bench.progress import Progress

GUEST = """
import json, os, sys, time
from audioldm_bench.errors import UserError
from audioldm_bench.progress import Progress

def work(path, **arguments):
    print("a library's chatter")
    Progress("x", 2, every=0).update(1)
    with open(path, "w") as file:
        json.dump({"pid": os.getpid(), "python": sys.executable, **arguments}, file)

def mistaken(**_):
    raise UserError("models.clap: the caf\\u00e9 is closed")

def broken(**_):
    raise ZeroDivisionError("by zero")

def dies(**_):
    os._exit(9)

def sleeps(path):
    work(path)
    time.sleep(60)
"""


@pytest.fixture
def guest(tmp_path, monkeypatch):
    """A module that only the path of the environment leads to; nothing of a job is left."""
    (tmp_path / "guest.py").write_text(GUEST)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(Progress, "job", None)
    return tmp_path


def test_the_other_python_does_the_work(guest, capfd, monkeypatch):
    monkeypatch.setattr(Progress, "job", "embed_audio esc50-00000")
    call("guest:work", {"path": guest / "out", "rate": 16000, "duration": None}, sys.executable)
    done = json.loads((guest / "out").read_text())
    assert done.pop("pid") != os.getpid() and done.pop("python") == sys.executable
    assert done == {"rate": 16000, "duration": None}
    out, err = capfd.readouterr()
    assert out == ""
    assert err.splitlines() == ["a library's chatter", "[embed_audio esc50-00000] 1/2 clips 50%"]


def test_without_another_python_it_is_done_here(guest, monkeypatch):
    monkeypatch.syspath_prepend(str(guest))
    call("guest:work", {"path": guest / "out"})
    assert json.loads((guest / "out").read_text())["pid"] == os.getpid()


def test_a_mistake_comes_back_as_the_same_sentence(guest):
    with pytest.raises(UserError) as mistake:
        call("guest:mistaken", {}, sys.executable)
    assert str(mistake.value) == "models.clap: the café is closed"


def test_any_other_error_comes_back_with_its_traceback(guest):
    with pytest.raises(RuntimeError, match="guest:broken in .*: ZeroDivisionError: by zero") as e:
        call("guest:broken", {}, sys.executable)
    assert "Traceback" in e.value.__notes__[0] and "guest.py" in e.value.__notes__[0]
    with pytest.raises(RuntimeError, match="exit status 9"):
        call("guest:dies", {}, sys.executable)


@pytest.mark.parametrize("name", ["none/bin/python", "guest.py"])
def test_a_python_that_cannot_be_started_is_named_with_the_cure(guest, name):
    with pytest.raises(UserError, match=r"runtime\.laion_python: .* workflow/envs/laion\.txt"):
        call("guest:work", {}, str(guest / name))


def test_what_json_cannot_hold_is_refused_before_a_start(guest):
    with pytest.raises(TypeError):
        call("guest:work", {"path": {1, 2}}, "no such python")


def test_it_ends_with_the_process_that_asked(guest):
    out = guest / "out"
    code = (
        "import sys; from audioldm_bench.interpreters import call; "
        f"call('guest:sleeps', {{'path': {str(out)!r}}}, sys.executable)"
    )
    source = str(Path(__file__).parents[1] / "src")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([source, str(guest)])}
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as asking:
        _until(lambda: out.exists() and out.read_text())
        asking.send_signal(signal.SIGKILL)
    pid = json.loads(out.read_text())["pid"]
    _until(lambda: not _runs(pid))


def _until(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        # An orphan that nobody reaps is a zombie.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def test_laion_clap_always_gets_a_process_of_its_own():
    assert clap_python("transformers", "/opt/laion/bin/python") is None
    assert clap_python("laion", "/opt/laion/bin/python") == "/opt/laion/bin/python"
    assert clap_python("laion", None) == sys.executable
