from collections.abc import Iterator

import pytest

from apps.events import registry
from tests.apps.events.rig import ThingChanged


@pytest.fixture(autouse=True)
def _thing_changed_is_registered() -> Iterator[None]:
    with registry.including(ThingChanged):
        yield
