"""What the processes of a team do in tests."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import torch

from audioldm_bench.diffusion.parallel import Team, started
from audioldm_bench.errors import UserError


def agree(team: Team, end: str) -> None:
    """Both processes check what they tell each other; then the second one ends so."""
    ours = [torch.full((2, 3), team.rank + 1.0), torch.full((5,), 10.0 * team.rank)]
    team.average(ours)
    assert [float(t.mean()) for t in ours] == [1.5, 5.0]
    assert team.any_of(12 * team.rank) == 12
    assert team.tell([team.rank, "word"]) == [0, "word"]
    if team.rank and end == "mistake":
        raise UserError("clip-03 is broken")
    if team.rank and end == "error":
        raise ValueError("out of luck")
    if team.rank and end == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    team.average(ours)


def wait(team: Team, note: str) -> None:
    """Writes its process id and waits for ever."""
    if team.rank:
        Path(note).write_text(str(os.getpid()))
    time.sleep(600)


if __name__ == "__main__":
    with started(2, "parallel_world:wait", {"note": sys.argv[1]}, 2) as the_team:
        wait(the_team, sys.argv[1])
