"""How the tests are shared out to several workers (`make test`): what is made once stays on one."""

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Tests of a folder that has fixtures of its own, else those of a file, run on one worker."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFolder(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            folder = file.rpartition("/")[0]
            shared = folder != "tests" and (config.rootpath / folder / "conftest.py").exists()
            return folder if shared else file

    return ByFolder(config, log)


LONGEST = ("workflow", "interrupted", "tutorial")  # folders, in this order; then all others


def pytest_collection_modifyitems(items):
    """The longest first."""
    items.sort(key=lambda item: [item.path.parent.name != name for name in LONGEST])
