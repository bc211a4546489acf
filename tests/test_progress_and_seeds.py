"""Progress lines, and draws that depend on names alone."""

import fcntl
import io
import os
import select

import pytest
import torch

from audioldm_bench import progress as progress_module
from audioldm_bench import seeds
from audioldm_bench.job import _Tee
from audioldm_bench.progress import Progress


def test_lines_come_at_the_first_and_last_step_and_seldom_between(capsys):
    progress = Progress("embed", 100, every=1e9)
    for done in range(1, 101):
        progress.update(done)
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["[embed] 1/100 clips 1%", "[embed] 100/100 clips 100%"]


def test_the_time_left_is_told(capsys, monkeypatch):
    now = iter([0.0, 10.0, 500.0])
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    progress = Progress("train", 100, "steps", every=5)
    for done in (0, 10, 50):
        progress.update(done)
    lines = capsys.readouterr().err.splitlines()
    assert lines[1:] == ["[train] 10/100 steps 10% eta 1m30s", "[train] 50/100 steps 50% eta 8m20s"]


def test_draws_depend_on_seed_and_names_only():
    assert seeds.derive(0, "a", 1) == seeds.derive(0, "a", 1) < 2**63
    drawn = {seeds.derive(s, *names) for s in (0, 1) for names in (("a", 1), ("a1",), ("a", 11))}
    assert len(drawn) == 6
    noise = [torch.randn(4, generator=seeds.clip_generator(0, "dog", k)) for k in (0, 1, 0)]
    assert torch.equal(noise[0], noise[2]) and not torch.equal(noise[0], noise[1])


@pytest.fixture
def terminal():
    """(what a program writes to, a function that reads what a person sees, up to some text)."""
    master, slave = os.openpty()

    def seen(last):
        text = ""
        while last not in text and select.select([master], [], [], 20)[0]:
            text += os.read(master, 1 << 16).decode()
        return text

    with open(slave, "w") as file:
        yield file, seen
    os.close(master)
    for name in list(progress_module._HELD):
        os.close(progress_module._HELD.pop(name))


def test_a_terminal_gets_a_bar_and_the_log_lines(terminal, monkeypatch):
    file, seen = terminal
    log = io.StringIO()
    monkeypatch.setattr("sys.stderr", _Tee(file, log))
    progress = Progress("train", 100, "steps", every=1e9)
    for done in (41, 42, 100):
        progress.update(done, loss=0.5)
    shown = seen("100/100")
    assert "[train]:  41%" in shown and "41/100" in shown and "loss=0.5" in shown
    assert "100%" in shown and "steps/s" in shown and "<" in shown  # rate, time left
    assert log.getvalue().splitlines() == [
        "[train] 41/100 steps 41% loss=0.5",
        "[train] 100/100 steps 100% loss=0.5",
    ]


def test_one_job_draws_on_a_terminal_and_the_others_print_lines(terminal, monkeypatch):
    file, seen = terminal
    monkeypatch.setattr("sys.stderr", file)
    other = os.open(os.ttyname(file.fileno()), os.O_RDONLY | os.O_NOCTTY)
    fcntl.flock(other, fcntl.LOCK_EX)
    Progress("train", 2, "steps").update(1)
    assert seen("\n").splitlines() == ["[train] 1/2 steps 50%"]
    os.close(other)
    with Progress("train", 2, "steps") as progress:
        progress.update(1)
        assert "1/2 [" in seen("1/2 [")
    assert seen("\n").endswith("\n")  # what an error says next begins a line
