"""Imported by every Python process that has this folder on its PYTHONPATH: each job of the
workflow writes its peak memory into the folder that FULL_SIZE_PEAKS names when it ends."""

import atexit
import json
import os
import re
import sys
import time
from pathlib import Path

_BEGUN = time.monotonic()


def _peak_bytes() -> int:
    """Largest resident memory of this process. VmHWM is its own, where getrusage counts from
    before the exec; systems without /proc have only that."""
    try:
        return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
    except (OSError, TypeError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def _report() -> None:
    job = getattr(sys.modules["__main__"], "snakemake", None)
    if not hasattr(job, "rule"):
        return  # Snakemake itself, or a helper of a library
    record = {
        "rule": job.rule,
        "wildcards": dict(job.wildcards.items()),
        "mem_mb": job.resources["mem_mb"],
        "peak_mb": round(_peak_bytes() / 1e6),
        "seconds": round(time.monotonic() - _BEGUN, 1),
        "cpu_seconds": round(time.process_time(), 1),
    }
    path = Path(os.environ["FULL_SIZE_PEAKS"]) / f"{time.time_ns()}.json"
    path.write_text(json.dumps(record))


if "FULL_SIZE_PEAKS" in os.environ:
    atexit.register(_report)
