"""Programs that may send prices."""

from collections.abc import Iterator

import pytest

from tests.apps.realtime.backbone.client import Program, data_producer, ingestor
from tests.apps.realtime.live import Account, Live, Web


@pytest.fixture(scope="session")
def producer(live: Live) -> Account:
    """An account with the role `ingestor`."""
    return data_producer(live)


@pytest.fixture
def feed(web: Web, producer: Account) -> Iterator[Program]:
    """An open socket that prices are sent into."""
    with ingestor(web, token=producer.access) as program:
        yield program
