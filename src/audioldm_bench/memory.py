"""How a process on the CPU gets its memory."""

from __future__ import annotations

import ctypes
import sys

# Of glibc's malloc.h, for mallopt.
_MMAP_MAX, _TRIM_THRESHOLD = -4, -1


def reuse_memory() -> bool:
    """Lets this process keep what it frees, for its next tensors; whether that could be set.

    glibc gives tensors over 32 MiB back to the system at once, which hands out the next ones page
    by page, each filled with zeros: a fifth of the time of a pass of S (benchmarks/RESULTS.md).
    No bit of a result depends on it. Peak memory rises by the holes, a sixth for S.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another libc, musl for one
        return False
    return bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, -1))
