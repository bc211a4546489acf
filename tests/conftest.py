"""How the tests are shared out to several workers (`make test`): what is made once stays on one."""

import pytest


def pytest_collection_modifyitems(items):
    """Tests of a folder that has fixtures of its own, else those of a file, run on one worker."""
    for item in items:
        folder = item.path.parent
        shared = folder.name != "tests" and (folder / "conftest.py").exists()
        item.add_marker(pytest.mark.xdist_group(str(folder if shared else item.path)))
    items.sort(key=lambda item: item.path.parent.name != "workflow")  # they take longest
