"""The reports of the miniature and of the recordings of ESC-10, where `make` has made them."""

from pathlib import Path

import pytest

from browser import CHROMIUM
from report_in_browser import look_at

RESULTS = Path(__file__).parents[2] / "results"


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
@pytest.mark.parametrize("study", ["mini", "esc10"])
def test_the_report_of_a_finished_study(study, tmp_path):
    page = RESULTS / study / "report.html"
    if not page.exists():
        pytest.skip(f"no {page.name} of this study: make {study}")
    assert page.stat().st_size < 25e6, "small enough for a mail"
    look_at(page, tmp_path)
