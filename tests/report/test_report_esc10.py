"""The report of the study on the recordings of ESC-10, where `make esc10` has made it."""

from pathlib import Path

import pytest

from browser import CHROMIUM
from report_in_browser import look_at

PAGE = Path(__file__).parents[2] / "results/esc10/report.html"


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
@pytest.mark.skipif(not PAGE.exists(), reason=f"no {PAGE.name} of ESC-10: make esc10")
def test_the_report_of_esc10(tmp_path):
    look_at(PAGE, tmp_path)
