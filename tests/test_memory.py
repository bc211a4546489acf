"""Memory that a process keeps for its next tensors."""

import subprocess
import sys

import pytest

PAGES = """
import resource, sys
import numpy as np
from audioldm_bench.memory import reuse_memory

kept = reuse_memory() if sys.argv[1] == "kept" else False
for _ in range(2):  # the first time pages are new in any case
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(48 << 20, np.uint8).sum()
print(int(kept), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's malloc alone is told")
def test_a_large_array_takes_the_pages_of_the_one_before():
    def pages(how):
        command = [sys.executable, "-c", PAGES, how]
        return map(int, subprocess.check_output(command, text=True).split())

    kept, new = pages("kept")
    if not kept:
        pytest.skip("this libc has no mallopt")
    assert new < 1000
    _, new_without = pages("given back")
    assert new_without > new
