"""What the sound files' headers say, before the study's resampling and cutting."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..datasets.manifest import Clip
from ..files import file_sha256


@dataclass(frozen=True)
class Header:
    """A file's rate in Hz, channels, and the clip's length in s within it."""

    rate: int
    channels: int
    seconds: float


def read_headers(root: Path, clips: Sequence[Clip]) -> dict[str, Header]:
    """By clip id; files that are gone or have no readable header are not in it."""
    import soundfile

    found: dict[str, Header] = {}
    last: tuple[str, object] = ("", None)
    for clip in clips:
        if clip.file != last[0]:
            try:
                last = (clip.file, soundfile.info(str(Path(root) / clip.file)))
            except (soundfile.LibsndfileError, RuntimeError, OSError):
                last = (clip.file, None)
        info = last[1]
        if info is not None:
            start, whole = clip.start or 0.0, info.frames / info.samplerate
            seconds = (whole if clip.end is None else min(clip.end, whole)) - start
            found[clip.clip_id] = Header(info.samplerate, info.channels, max(0.0, seconds))
    return found


def same_files(root: Path, clips: Sequence[Clip]) -> dict[str, str]:
    """A key for each clip, equal for clips of equal bytes; clips whose file's size no other has
    are left out, and their files are not read."""
    sizes: dict[int, list[Clip]] = defaultdict(list)
    for clip in clips:
        try:
            sizes[(Path(root) / clip.file).stat().st_size].append(clip)
        except OSError:
            continue
    return {
        clip.clip_id: f"{file_sha256(Path(root) / clip.file)} {clip.start} {clip.end}"
        for alike in sizes.values()
        if len(alike) > 1
        for clip in alike
    }
