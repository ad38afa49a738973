"""One system for all tests that break it: it is whole again after each."""

import os
from collections.abc import Iterator

import pytest

from tests.faults.rig.system import System, running

# They take minutes and a quiet machine: VEZA_FAULTS=small (or medium, large) runs them.
SCENARIOS = ["test_crowds.py", "test_kills.py", "test_redis_loss.py", "test_seam.py"]
collect_ignore = [] if os.environ.get("VEZA_FAULTS") else SCENARIOS


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The product, running, with a proxy on every link."""
    with running(tmp_path_factory.mktemp("faults")) as system:
        yield system
