"""One undisturbed tiny study, which the tests look at and dry-run changes of."""

import pytest
from study import run


def pytest_collection_modifyitems(items):
    """The first test to ask for `finished` waits for a whole study, on a busy machine long."""
    for item in items:
        if "finished" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The folder of a tiny study that ran to its end."""
    folder = tmp_path_factory.mktemp("finished")
    run(folder, "all")
    return folder
