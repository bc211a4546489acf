"""The one training loop: resumable, deterministic, and loud about what it does.

Everything random in step i is drawn from torch's global generator, seeded from (seed, i); so a
loop that was killed and resumed makes the same weights as one that was not.
"""

from __future__ import annotations

import math
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from . import seeds
from .diffusion.parallel import ALONE, Team
from .errors import UserError
from .files import write_atomically
from .progress import Progress
from .states import in_a_line, is_damage, read_state

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)  # USR1: SLURM's warning before the limit


class _StopRequest:
    """Remembers a signal until the step that runs is done."""

    def __enter__(self) -> _StopRequest:
        self.received: int | None = None
        self._before = {number: signal.signal(number, self._remember) for number in _SIGNALS}
        return self

    def _remember(self, number: int, _frame: object) -> None:
        self.received = number

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _save(folder: Path, step: int, stateful: Mapping, history: list[dict]) -> None:
    """Writes the state after `step` steps; keeps the one before it, in case this one is torn."""
    content = {
        "step": step,
        "history": history,
        "objects": {name: item.state_dict() for name, item in stateful.items()},
    }
    with write_atomically(folder / f"state-{step:09d}.pt") as draft:
        torch.save(content, draft)
    for old in sorted(folder.glob("state-*.pt"))[:-2]:
        old.unlink()


def _newest_good(folder: Path, label: str) -> tuple[Path | None, dict]:
    """The newest state that loads, and what is in it; (None, {}) where there is none."""
    for draft in folder.glob(".state-*.part*"):  # of a process that was killed while it wrote
        draft.unlink()
    paths = sorted(folder.glob("state-*.pt"), reverse=True)
    for path in paths:
        try:
            content = read_state(path)
        except Exception as error:  # whatever zipfile and torch raise
            if not is_damage(error):
                raise UserError(
                    f"{path} cannot be read ({in_a_line(error)}). It is kept: run again; where that"
                    " does not help, delete it, and the one before is taken"
                ) from error
            after = "starting anew" if path == paths[-1] else "taking the one before"
            print(f"[{label}] {path.name} is damaged ({error}); {after}", file=sys.stderr)
            path.unlink()
            continue
        print(f"[{label}] continues after step {content['step']}", file=sys.stderr, flush=True)
        return path, content
    return None, {}


def _resume(
    folder: Path, label: str, stateful: Mapping, team: Team
) -> tuple[int | None, list[dict]]:
    """Loads the newest good state, in each process the same; (None, []) where there is none."""
    path, content = _newest_good(folder, label) if team.main else (None, {})
    path = team.tell(path)
    if path is None:
        return None, []
    content = content or torch.load(path, weights_only=True, map_location="cpu")
    for name, item in stateful.items():
        item.load_state_dict(content["objects"][name])
    return content["step"], content["history"]


def check_finite(
    figures: Mapping[str, float], step: int, clip_ids: Sequence[str], *, rate: float, cure: str
) -> None:
    """UserError that names step, learning rate and clips where a figure is not finite. For a step
    to call before it changes the weights."""
    bad = [name for name, value in figures.items() if not math.isfinite(value)]
    if bad:
        raise UserError(
            f"{' and '.join(bad)} not finite at step {step} (learning rate {rate:.3g}; clips"
            f" {', '.join(clip_ids)}). The last good state is kept. {cure}"
        )


def _say_stopped(team: Team, label: str, number: int, step: int) -> None:
    if team.main:
        name = signal.Signals(number).name
        print(f"[{label}] {name}: state saved after step {step}", file=sys.stderr, flush=True)


def train_loop(
    step: Callable[[int], dict[str, float]],
    *,
    label: str,
    stateful: Mapping,
    first_step: int = 0,
    last_step: int,
    seed: int,
    state: Path,
    save_every: float,
    progress_every: float,
    on_save: Callable[[list[dict]], None] | None = None,
    team: Team = ALONE,
) -> list[dict]:
    """Calls `step(i)` for i in first_step..last_step-1; returns a row of figures for each.

    `stateful` maps names to objects with state_dict and load_state_dict; they are saved in the
    folder `state` every `save_every` s and when the process is asked to stop; `on_save` is called
    with all rows then. A step raises where a figure is not finite (`check_finite`). SystemExit
    after a signal. Of the processes of a `team` the main one writes; all stop after the same step,
    whichever was signalled.
    """
    resumed, history = _resume(state, label, stateful, team)
    done = first_step if resumed is None else resumed
    progress = Progress(label, last_step, "steps", progress_every)
    saved = time.monotonic()
    with _StopRequest() as stop, progress:
        for i in range(done, last_step):
            torch.manual_seed(seeds.derive(seed, "step", i))
            row = step(i)
            history.append({"step": i, **row})
            stopped = team.any_of(stop.received or 0)
            due = time.monotonic() - saved >= save_every and i + 1 < last_step
            if team.main:
                progress.update(i + 1, loss=row["loss"])
                if stopped or due:
                    _save(state, i + 1, stateful, history)
                    if on_save is not None:
                        on_save(history)
                    saved = time.monotonic()
            if stopped:
                progress.close()
                _say_stopped(team, label, stopped, i + 1)
                raise SystemExit(128 + stopped)
    return history
