"""TensorBoard's event files, written from the history: a step that was done twice is in them once.

Each is made anew by the process that writes it, so that nothing of a killed one is left in it.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

SCALARS = ("loss", "learning_rate", "gradient_norm")


def _open(folder: Path) -> SummaryWriter:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), flush_secs=3600)  # `flush` is called


def _write(writer: SummaryWriter, rows: Sequence[Mapping]) -> None:
    """A point a row, at the number of steps done."""
    for row in rows:
        for name in SCALARS:
            writer.add_scalar(f"training/{name}", row[name], row["step"] + 1)
    writer.flush()


class LiveEvents:
    """The event file of a segment that is at work, for a TensorBoard that looks at its state."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._writer: SummaryWriter | None = None
        self._written = 0  # rows

    def update(self, history: Sequence[Mapping]) -> None:
        """Adds the rows that are new."""
        if self._writer is None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._writer = _open(self._folder)
        _write(self._writer, history[self._written :])
        self._written = len(history)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def save_events(folder: Path, history: Sequence[Mapping], validation: Mapping) -> None:
    """One event file in `folder`: the curves of a segment, and its validation loss."""
    work = folder / ".events"
    writer = _open(work)
    _write(writer, history)
    if validation["loss"] is not None:
        writer.add_scalar("validation/loss", validation["loss"], validation["step"])
    writer.close()
    (made,) = work.iterdir()
    # its own name would hold that of the machine
    made.rename(folder / f"events.out.tfevents.{validation['step']:07d}")
    work.rmdir()
