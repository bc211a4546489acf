"""SIGKILL at any moment of a run, and the weights are those of an undisturbed one."""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import sys
from pathlib import Path

import pytest
import torch
from training_runs import rows_of, run, same

from audioldm_bench.diffusion import training as training_module
from audioldm_bench.diffusion.trainer import Trainer

LAST = 10
pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="torch after a fork")


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def within_step(at):
    """After the gradients of a step, before its update."""
    gradients, calls = Trainer._gradients, []

    def dies(self, drawn):
        calls.append(1)
        found = gradients(self, drawn)
        if len(calls) == at:
            die()
        return found

    Trainer._gradients = dies


def within_state(at):
    """With half of a state's bytes on the disk."""
    save, calls = torch.save, []

    def dies(content, path):
        calls.append(1)
        if len(calls) < at:
            return save(content, path)
        whole = io.BytesIO()
        save(content, whole)
        Path(path).write_bytes(whole.getvalue()[: whole.tell() // 2])
        die()

    torch.save = dies


def between_outputs(_):
    """With the state for the next segment in place, and not the checkpoint."""
    replace = training_module.replace_folder

    def dies(work, final):
        replace(work, final)
        die()

    training_module.replace_folder = dies


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_run_that_is_killed_again_and_again_ends_in_the_same_bits(
    world, tmp_path, accumulate, capfd
):
    from diffusion_world import TRAINING

    training = TRAINING | {"accumulate": accumulate, "batch_size": 4 // accumulate}
    run(world, tmp_path / "whole", [0, LAST], training=training)
    killed = tmp_path / "killed"
    # each goes on from the newest state, the first anew
    for spoil, at in ((within_step, 4), (within_state, 3), (within_step, 2), (between_outputs, 0)):

        def job(spoil=spoil, at=at):
            spoil(at)
            run(world, killed, [0, LAST], training=training, save_every=0.0)

        process = multiprocessing.get_context("fork").Process(target=job)
        process.start()
        process.join(120)
        assert process.exitcode == -signal.SIGKILL
        assert not (killed / f"step-{LAST}").exists()
        drafts = list((killed / f"resume-{LAST}").glob(".state-*.part*"))
        assert len(drafts) == (spoil is within_state)
    newest = sorted((killed / f"resume-{LAST}").glob("state-*.pt"))[-1]
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1  # one bit of a weight
    newest.write_bytes(content)
    capfd.readouterr()
    run(world, killed, [0, LAST], training=training)
    said = capfd.readouterr().err
    assert f"{newest.name} is damaged" in said and "taking the one before" in said
    assert f"continues after step {LAST - 2}" in said
    assert same(tmp_path / "whole", killed, LAST)
    assert rows_of(killed / f"step-{LAST}") == rows_of(tmp_path / "whole" / f"step-{LAST}")
    assert [path.name for path in (killed / f"resume-{LAST}").iterdir() if path.suffix] == []
