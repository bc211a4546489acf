"""Progress: plain lines in logs and pipes, a bar where a person looks."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm

REDRAW = 0.5  # s between two drawings of the bar


class Progress:
    """Prints `[label] 120/400 clips 30% loss=0.12 eta 40s` to stderr, at most every `every` s,
    and at the first and the last step. In a job of the workflow the job's name is the label.

    On a terminal, a bar with rate and time left takes the lines' place; they still go to the
    job's log.
    """

    job: str | None = None

    def __init__(self, label: str, total: int, unit: str = "clips", every: float = 30.0):
        self.label = self.job or label
        self.total, self.unit, self.every = total, unit, every
        self._start = self._last = self._drawn = None
        self._first = 0
        self._bar: tqdm | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leaves the bar as it stands; what is printed next begins a line."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def update(self, done: int, **figures: float) -> None:
        """`done` of `total` are finished; `figures` are shown beside."""
        now = time.monotonic()
        first = self._start is None
        if first:
            self._start, self._first = now, done
            self._bar = _bar(self.label, self.total, self.unit, done)
        if self._bar is not None:
            self._draw(done, now, figures)
        if not first and done < self.total and now - self._last < self.every:
            return
        self._last = now
        self._print_line(done, now, figures)

    def _draw(self, done: int, now: float, figures: dict[str, float]) -> None:
        if self._drawn is None or done >= self.total or now - self._drawn >= REDRAW:
            self._drawn = now
            self._bar.set_postfix_str(_shown(figures).strip(), refresh=False)
            self._bar.update(done - self._bar.n)
            self._bar.refresh()

    def _print_line(self, done: int, now: float, figures: dict[str, float]) -> None:
        drawn = self._bar is not None
        if done >= self.total:
            self.close()
        out = getattr(sys.stderr, "log", None) if drawn else sys.stderr
        if out is None:
            return
        share = f"{100 * done / self.total:.0f}%" if self.total else "100%"
        line = (
            f"[{self.label}] {done}/{self.total} {self.unit} {share}{_shown(figures)}"
            f"{self._eta(done, now)}"
        )
        print(line, file=out, flush=True)

    def _eta(self, done: int, now: float) -> str:
        made = done - self._first
        if made <= 0 or done >= self.total:
            return ""
        left = (now - self._start) / made * (self.total - done)
        return (
            f" eta {int(left // 60)}m{int(left % 60):02d}s" if left >= 60 else f" eta {left:.0f}s"
        )


def _shown(figures: dict[str, float]) -> str:
    return "".join(f" {name}={value:.4g}" for name, value in figures.items())


def _bar(label: str, total: int, unit: str, done: int) -> tqdm | None:
    """A bar on the terminal behind stderr; None without one, or where another job draws there."""
    terminal = getattr(sys.stderr, "terminal", sys.stderr)
    if not (terminal.isatty() and _taken(terminal)):
        return None
    from tqdm import tqdm

    says_size = os.get_terminal_size(terminal.fileno()).columns > 0
    return tqdm(
        desc=f"[{label}]",
        total=total,
        unit=f" {unit}",
        initial=done,
        file=terminal,
        ncols=None if says_size else 80,
        nrows=None if says_size else 24,
        dynamic_ncols=says_size,
        mininterval=0,
        miniters=float("inf"),  # drawn by `refresh` alone
    )


_HELD: dict[str, int] = {}  # terminals that this process draws on, by name


def _taken(terminal: TextIO) -> bool:
    """Takes the terminal for this process, until it ends; False if another one has it."""
    try:
        name = os.ttyname(terminal.fileno())
        if name in _HELD:
            return True
        handle = os.open(name, os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return False
    _HELD[name] = handle
    return True
