"""One system for all tests that break it: it is whole again after each."""

from collections.abc import Iterator

import pytest

from tests.faults.rig.road import Road
from tests.faults.rig.system import System, running


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The product, running, with a proxy on every link."""
    with running(tmp_path_factory.mktemp("faults")) as system:
        yield system


@pytest.fixture(scope="session")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    """The road of rounds, running."""
    road = Road(tmp_path_factory.mktemp("road"))
    try:
        road.up()
        yield road
    finally:
        road.down()
