"""Tests on real transactions empty every table afterwards, those of migrations too."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

import pytest
import time_machine

from apps.auth.models import Role
from apps.auth.types import RoleName


@pytest.fixture(autouse=True)
def _roles(request: pytest.FixtureRequest) -> None:
    marker = request.node.get_closest_marker("django_db")
    if marker:
        request.getfixturevalue("transactional_db" if marker.kwargs.get("transaction") else "db")
        Role.objects.bulk_create([Role(name=name) for name in RoleName], ignore_conflicts=True)


@pytest.fixture
def time_machine_at() -> Callable[[datetime], AbstractContextManager[object]]:
    """The clock stands at this time inside the block."""
    return lambda at: time_machine.travel(at, tick=False)
