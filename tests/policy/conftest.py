"""The callers of the policy, made once for each group of rows."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.policy.callers import Caller, make_callers
from tests.policy.world import SETTINGS


@pytest.fixture
def callers(db: None, settings: Any) -> Mapping[str, Caller]:
    """By their names; whatever is done with them is undone after each cell."""
    for name, value in SETTINGS.items():
        setattr(settings, name, value)
    return make_callers()
