"""One system for all tests that break it: it is whole again after each."""

from collections.abc import Iterator

import pytest

from tests.faults.rig.road import Road, road_in
from tests.faults.rig.system import System, running


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The product, running, with a proxy on every link."""
    with running(tmp_path_factory.mktemp("faults")) as system:
        yield system


@pytest.fixture(scope="session")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    """Change capture at work, for tests that leave it so."""
    with road_in(tmp_path_factory.mktemp("road")) as road:
        yield road
