"""Progress in plain lines: what is being done, how far it is, how long it will take."""

from __future__ import annotations

import sys
import time


class Progress:
    """Prints `[label] 120/400 clips 30% loss=0.12 eta 40s` to stderr, at most every `every` s,
    and at the first and the last step. In a job of the workflow the job's name is the label."""

    job: str | None = None

    def __init__(self, label: str, total: int, unit: str = "clips", every: float = 30.0):
        self.label = self.job or label
        self.total, self.unit, self.every = total, unit, every
        self._start = self._last = None
        self._first = 0

    def update(self, done: int, **figures: float) -> None:
        """`done` of `total` are finished; `figures` are shown beside."""
        now = time.monotonic()
        if self._start is None:
            self._start, self._first = now, done
        elif done < self.total and now - self._last < self.every:
            return
        self._last = now
        shown = "".join(f" {name}={value:.4g}" for name, value in figures.items())
        share = f"{100 * done / self.total:.0f}%" if self.total else "100%"
        line = (
            f"[{self.label}] {done}/{self.total} {self.unit} {share}{shown}{self._eta(done, now)}"
        )
        print(line, file=sys.stderr, flush=True)

    def _eta(self, done: int, now: float) -> str:
        made = done - self._first
        if made <= 0 or done >= self.total:
            return ""
        left = (now - self._start) / made * (self.total - done)
        return (
            f" eta {int(left // 60)}m{int(left % 60):02d}s" if left >= 60 else f" eta {left:.0f}s"
        )
