"""Datasets that were checked once for all tests."""

import pytest

from data_checks.check_world import World, fill, trouble


@pytest.fixture(scope="session")
def sound_world(tmp_path_factory):
    """A dataset that nothing is wrong with, and its findings."""
    world = World(tmp_path_factory.mktemp("sound"))
    fill(world)
    world.prepare()
    return world, world.check()


@pytest.fixture(scope="session")
def troubled_world(tmp_path_factory):
    """A dataset with one of everything, and its findings."""
    world = World(tmp_path_factory.mktemp("troubled"))
    fill(world)
    trouble(world)
    world.prepare()
    return world, world.check()
