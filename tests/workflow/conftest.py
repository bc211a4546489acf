"""One undisturbed tiny study, which the tests look at and dry-run changes of."""

import pytest
from study import run


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The folder of a tiny study that ran to its end."""
    folder = tmp_path_factory.mktemp("finished")
    run(folder, "all")
    return folder
