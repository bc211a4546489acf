"""One copy of the repository for all tests of the documentation."""

import pytest
from doc_world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("docs"))
