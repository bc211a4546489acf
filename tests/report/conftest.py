"""The study that the report's tests look at."""

import pytest
from made_up_study import build_study


@pytest.fixture(scope="session")
def study(tmp_path_factory) -> dict:
    return build_study(tmp_path_factory.mktemp("study"))
