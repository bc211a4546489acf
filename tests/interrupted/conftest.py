"""One study that nothing interrupts, and the same through SLURM, which meets what clusters do."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import cluster  # noqa: E402
import slurm_study  # noqa: E402
from one_run import CONFIGS, TABLES  # noqa: E402
from study import run  # noqa: E402

ASKED = "AUDIOLDM_BENCH_TEST_SLURM"  # environment variable: root's /etc/slurm may be written


def pytest_collection_modifyitems(items):
    """The first test waits for a whole study, on a busy machine long."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(2 * slurm_study.PATIENCE))


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """The folder of a study that ran to its end on this machine."""
    folder = tmp_path_factory.mktemp("undisturbed")
    run(folder, "all_tables", configs=CONFIGS)
    assert all((folder / table).stat().st_size for table in TABLES)
    return folder


@pytest.fixture(scope="session")
def slurm(tmp_path_factory):
    """The folder of a SLURM that runs on this machine."""
    if not os.environ.get(ASKED):
        pytest.skip(f"starts SLURM's daemons: {ASKED}=1, or make test-slurm")
    reason = cluster.missing()
    if reason:
        pytest.fail(reason)  # it was asked for
    folder = tmp_path_factory.mktemp("slurm")
    try:
        cluster.start(folder)
        yield folder
    finally:
        cluster.stop(folder)


@pytest.fixture(scope="session")
def through_slurm(slurm, tmp_path_factory):
    """What the study through SLURM left."""
    return slurm_study.run_through_slurm(
        tmp_path_factory.mktemp("cluster") / "study", slurm / "devices"
    )
