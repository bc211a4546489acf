"""Progress lines, and draws that depend on names alone."""

import torch

from audioldm_bench import seeds
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
