"""The one training loop: resumable, deterministic, and loud about what it does.

Everything random in step i is drawn from torch's global generator, seeded from (seed, i); so a
loop that was killed and resumed makes the same weights as one that was not.
"""

from __future__ import annotations

import math
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from . import seeds
from .errors import UserError
from .files import write_atomically
from .progress import Progress

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


def _resume(folder: Path, label: str, stateful: Mapping) -> tuple[int | None, list[dict]]:
    """Loads the newest good state; (None, []) where there is none."""
    for path in sorted(folder.glob("state-*.pt"), reverse=True):
        try:
            content = torch.load(path, weights_only=True, map_location="cpu")
        except Exception as error:  # torn file: any error of unpickling
            print(
                f"[{label}] {path.name} is damaged ({error}); taking the one before",
                file=sys.stderr,
            )
            path.unlink()
            continue
        for name, item in stateful.items():
            item.load_state_dict(content["objects"][name])
        print(f"[{label}] continues after step {content['step']}", file=sys.stderr, flush=True)
        return content["step"], content["history"]
    return None, []


def _checked(figures: dict[str, float], label: str, step: int) -> dict[str, float]:
    row = {name: float(value) for name, value in figures.items()}
    bad = [name for name, value in row.items() if not math.isfinite(value)]
    if bad:
        raise UserError(
            f"{label}: {' and '.join(bad)} not finite at step {step}"
            f" ({', '.join(f'{k}={v:.4g}' for k, v in row.items())}). The last good state is kept:"
            " lower the learning rate or set training.gradient_clip, and run again."
        )
    return row


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
) -> list[dict]:
    """Calls `step(i)` for i in first_step..last_step-1; returns a row of figures for each.

    `stateful` maps names to objects with state_dict and load_state_dict; they are saved in the
    folder `state` every `save_every` s and when the process is asked to stop. Raises UserError at
    the first figure that is not finite, SystemExit after a signal.
    """
    resumed, history = _resume(state, label, stateful)
    done = first_step if resumed is None else resumed
    progress = Progress(label, last_step, "steps", progress_every)
    saved = time.monotonic()
    with _StopRequest() as stop:
        for i in range(done, last_step):
            torch.manual_seed(seeds.derive(seed, "step", i))
            row = _checked(step(i), label, i)
            history.append({"step": i, **row})
            progress.update(i + 1, loss=row["loss"])
            if stop.received or (time.monotonic() - saved >= save_every and i + 1 < last_step):
                _save(state, i + 1, stateful, history)
                saved = time.monotonic()
            if stop.received:
                name = signal.Signals(stop.received).name
                print(
                    f"[{label}] {name}: state saved after step {i + 1}", file=sys.stderr, flush=True
                )
                raise SystemExit(128 + stop.received)
    return history
