"""What the tests of accounts share."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

import pytest
import time_machine


@pytest.fixture
def time_machine_at() -> Callable[[datetime], AbstractContextManager[object]]:
    """The clock stands at this time inside the block."""
    return lambda at: time_machine.travel(at, tick=False)
