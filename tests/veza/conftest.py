"""What the tests of the platform share."""

from collections.abc import Iterator

import pytest

from tests.veza.integrations.own_s3 import OwnS3


@pytest.fixture(scope="session")
def own_s3() -> Iterator[OwnS3]:
    """The same for all tests of a run: they keep apart by their keys."""
    with OwnS3() as server:
        yield server
