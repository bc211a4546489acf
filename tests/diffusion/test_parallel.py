"""Two processes train as one does, and stop, fail and go on as one does."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import torch
from diffusion_world import TRAINING, UNET
from parallel_world import agree

from audioldm_bench.diffusion import parallel
from audioldm_bench.diffusion.data import TrainingSet
from audioldm_bench.diffusion.parallel import Team, started
from audioldm_bench.diffusion.trainer import Trainer
from audioldm_bench.diffusion.training import train_segment
from audioldm_bench.diffusion.unet import WEIGHTS, load_unet
from audioldm_bench.errors import UserError
from audioldm_bench.files import file_sha256

HERE = Path(__file__).parent
STEPS = 50


def segment(world, folder, processes=2, **changes):
    arguments = {**world.caches, "first_step": 0, "last_step": STEPS, "training_config": TRAINING}
    train_segment(
        UNET,
        folder / "step",
        folder / "state",
        initialisation="scratch",
        state=folder / "resume",
        processes=processes,
        **arguments | changes,
    )


def rows_of(folder):
    with open(folder / "step/training.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def pair(world, tmp_path_factory):
    """50 steps by two processes, undisturbed."""
    folder = tmp_path_factory.mktemp("pair")
    segment(world, folder)
    return folder


def test_two_processes_reach_the_loss_curve_of_one(world, pair, tmp_path):
    segment(world, tmp_path, processes=1)
    one, two = rows_of(tmp_path), rows_of(pair)
    assert len(two) == STEPS
    for name in ("loss", "gradient_norm"):
        found = [float(row[name]) for row in two]
        assert found == pytest.approx([float(row[name]) for row in one], abs=1e-4)
    weights = load_unet(tmp_path / "step").state_dict()
    for name, tensor in load_unet(pair / "step").state_dict().items():
        torch.testing.assert_close(tensor, weights[name], rtol=1e-3, atol=1e-4)


def test_a_signal_to_any_process_stops_both_after_one_step(world, pair, tmp_path, monkeypatch):
    """And the run goes on to the bits of an undisturbed one."""
    others, steps = [], []
    start, step = parallel._start, Trainer.step

    def started_too(*arguments):
        others.append(start(*arguments))
        return others[-1]

    def interrupting(self, i):
        steps.append(i)
        if i == 10:
            os.kill(others[0].pid, signal.SIGUSR1)
        return step(self, i)

    monkeypatch.setattr(parallel, "_start", started_too)
    monkeypatch.setattr(Trainer, "step", interrupting)
    with pytest.raises(SystemExit) as status:
        segment(world, tmp_path)
    assert status.value.code == 128 + signal.SIGUSR1
    assert steps[-1] in (10, 11) and others[0].poll() is not None
    [state] = (tmp_path / "resume").glob("state-*.pt")
    assert state.name == f"state-{len(steps):09d}.pt"
    segment(world, tmp_path)
    assert len(steps) == STEPS
    assert rows_of(tmp_path) == rows_of(pair)
    assert file_sha256(tmp_path / "step" / WEIGHTS) == file_sha256(pair / "step" / WEIGHTS)
    assert file_sha256(tmp_path / "state/state.pt") == file_sha256(pair / "state/state.pt")


def test_shares_make_the_batch_and_an_epoch_has_each_clip_once(world):
    caches = world.caches
    with TrainingSet(caches["latent_shards"], caches["condition_paths"], world.train_ids) as data:
        rows = data.rows(range(len(data)))
        known = {row.numpy().tobytes(): name for row, name in zip(rows.mean, data.ids, strict=True)}
        seen = [Counter(), Counter()]
        for step in range(len(data) // 4):
            batch = data.batch(step, 3, 4)
            shares = [Team(rank, 2).share(batch.mean, batch.condition) for rank in range(2)]
            assert torch.equal(torch.cat([share[1] for share in shares]), batch.condition)
            for count, (mean, _) in zip(seen, shares, strict=True):
                count.update(known[row.numpy().tobytes()] for row in mean)
        assert not seen[0] & seen[1]
        assert seen[0] + seen[1] == Counter(world.train_ids)
    with pytest.raises(UserError, match="4 clips cannot be shared by 3 processes"):
        Team(0, 3).share(batch.mean)


@pytest.fixture
def importable(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(HERE), prepend=os.pathsep)


@pytest.mark.parametrize(
    ("end", "kind", "words"),
    [
        ("mistake", UserError, "^clip-03 is broken$"),
        ("error", RuntimeError, "ValueError: out of luck"),
        ("kill", RuntimeError, "ended with status -9"),
    ],
)
def test_what_another_process_died_of_is_said_here(importable, end, kind, words):
    with (
        pytest.raises(kind, match=words),
        started(2, "parallel_world:agree", {"end": end}, 2) as team,
    ):
        assert team == Team(0, 2)
        agree(team, end)
    with started(1, "parallel_world:agree", {"end": end}, 2) as team:
        assert team == Team()


def test_one_that_dies_before_it_has_read_its_work_is_said_too(monkeypatch):
    def start(_):
        dead = [sys.executable, "-c", "raise SystemExit(7)"]
        return subprocess.Popen(dead, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    monkeypatch.setattr(parallel, "_start", start)
    more_than_a_pipe_holds = {"ids": "a" * 10**6}
    with (
        pytest.raises(RuntimeError, match="ended with status 7"),
        started(2, "parallel_world:agree", more_than_a_pipe_holds, 2),
    ):
        pass


def test_nobody_is_left_when_the_main_process_is_killed(importable, tmp_path):
    note = tmp_path / "pid"
    main = subprocess.Popen([sys.executable, HERE / "parallel_world.py", note])
    deadline = time.monotonic() + 120
    while not (note.exists() and note.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    other = int(note.read_text())
    os.kill(other, 0)
    main.kill()
    main.wait()
    while Path(f"/proc/{other}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.kill(other, 0)
