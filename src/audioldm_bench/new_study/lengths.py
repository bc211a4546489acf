"""How long the recordings are, and which of them are not there."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audioldm_bench.datasets.manifest import Clip
from audioldm_bench.errors import UserError


@dataclass(frozen=True)
class Lengths:
    """In s, of the files that can be opened; the others by name."""

    seconds: list[float]
    missing: list[str]
    unreadable: list[str]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def opened(self, clips: Sequence[Clip]) -> list[Clip]:
        """Those of `clips` whose files can be opened: the study's, for the others are left out."""
        lost = {*self.missing, *self.unreadable}
        return [clip for clip in clips if clip.file not in lost]

    @property
    def total(self) -> int:
        return len(self.seconds) + len(self.missing) + len(self.unreadable)

    def lost(self) -> str:
        """The files that cannot be opened, and the cure: the end of a sentence, or nothing."""
        kinds = (
            (self.missing, "not there", "put them there, or mend the paths"),
            (self.unreadable, "no readable sound", "convert them to wav, flac, ogg or mp3"),
        )
        told = [
            f"{len(names)} of {self.total} files are {what}, the first {names[0]}: {cure}"
            for names, what, cure in kinds
            if names
        ]
        return f" ({'; '.join(told)})" if told else ""

    def __str__(self) -> str:
        low, high = min(self.seconds), max(self.seconds)
        return f"{low:.1f} to {high:.1f} s, median {self.median:.1f} s"


def measure(folder: Path, clips: Sequence[Clip], shown: Path) -> Lengths:
    """From the headers of the files. UserError, naming the table `shown`, if none can be opened."""
    import soundfile

    seconds: list[float] = []
    missing: list[str] = []
    unreadable: list[str] = []
    for clip in clips:
        path = folder / clip.file
        if not path.is_file():
            missing.append(clip.file)
            continue
        try:
            length = float(soundfile.info(str(path)).duration)
        except (soundfile.LibsndfileError, RuntimeError, OSError):
            length = 0.0
        if length > 0:
            seconds.append(length)
        else:
            unreadable.append(clip.file)
    if not seconds:
        raise _none(folder, clips, missing, unreadable, shown)
    return Lengths(seconds, missing, unreadable)


def _none(
    folder: Path,
    clips: Sequence[Clip],
    missing: Sequence[str],
    unreadable: Sequence[str],
    shown: Path,
) -> UserError:
    if not missing:
        return UserError(
            f"{shown}: none of its {len(clips)} sounds can be opened (for one, {unreadable[0]});"
            " convert them to wav, flac, ogg or mp3"
        )
    cure = "files are named relative to the csv"
    if "\\" in missing[0]:
        cure = "write / in place of \\ in the column `file`"
    return UserError(
        f"{shown}: none of its {len(clips)} sounds is there (looked for {folder / missing[0]});"
        f" {cure}"
    )
