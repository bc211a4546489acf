"""Names: clip ids that are safe as file names, and captions out of labels."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from audioldm_bench.errors import UserError

_LONGEST = 100  # characters; file systems allow 255 bytes with ending and draft name


def words(label: str) -> str:
    """A label as one would say it: "glass_breaking" is "glass breaking"."""
    return " ".join(label.replace("_", " ").split())


def safe_stem(file: str) -> str:
    """The file's stem, made safe as a clip id."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", PurePosixPath(file).stem)
    # no hidden file, no name that a command takes for an option
    return re.sub(r"^[.-]", "_", stem)[:_LONGEST] or "_"


def clip_ids(files: Sequence[str]) -> list[str]:
    """A clip id for each of these distinct files: the file's stem, made safe.

    Where several files would get the same id (also when only upper and lower case differ, for
    file systems that do not tell them apart), each of them gets the first 8 digits of the sha256
    of its path behind the stem. So an id depends on the files, not on their order.
    """
    stems = [safe_stem(file) for file in files]
    times = Counter(stem.lower() for stem in stems)
    ids = [
        stem if times[stem.lower()] == 1 else f"{stem}-{_digits(file)}"
        for stem, file in zip(stems, files, strict=True)
    ]
    if len({clip_id.lower() for clip_id in ids}) < len(set(files)):
        raise UserError("two sound files would get the same clip id; rename one of them")
    return ids


def _digits(file: str) -> str:
    return hashlib.sha256(file.encode()).hexdigest()[:8]
