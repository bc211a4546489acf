"""SLURM while these tests run, and one study through it that they all look at."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import cluster  # noqa: E402
import studies  # noqa: E402


def pytest_collection_modifyitems(items):
    """The first test waits for the whole study."""
    for item in items:
        if "through_slurm" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(2 * studies.PATIENCE))


@pytest.fixture(scope="session")
def slurm(tmp_path_factory):
    """The folder of a SLURM that runs on this machine."""
    reason = cluster.missing()
    if reason:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("slurm")
    try:
        cluster.start(folder)
        yield folder
    finally:
        cluster.stop(folder)


@pytest.fixture(scope="session")
def both(slurm, tmp_path_factory):
    """(record of the study through SLURM, folder of the same study on this machine alone)."""
    local = tmp_path_factory.mktemp("local") / "study"
    alone = studies.start_locally(local)
    try:
        record = studies.run_through_slurm(
            tmp_path_factory.mktemp("cluster") / "study", slurm / "devices"
        )
        assert alone.wait(timeout=studies.PATIENCE) == 0, (local / "output.txt").read_text()[-3000:]
    finally:
        if alone.poll() is None:
            alone.kill()
            alone.wait()
    return record, local


@pytest.fixture(scope="session")
def through_slurm(both):
    """What the study through SLURM left."""
    return both[0]


@pytest.fixture(scope="session")
def alone(both):
    """The folder of the same study without SLURM."""
    return both[1]
