"""One installation for all tests of realtime: starting it takes longer than using it."""

from collections.abc import Iterator

import pytest

from tests.apps.realtime.live import Account, Live, Web, installed


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The product, running: `live.web`, `live.relay`, `live.another_web(SSE_HEARTBEAT_S=1)`."""
    with installed(tmp_path_factory.mktemp("live")) as live:
        yield live


@pytest.fixture
def web(live: Live) -> Web:
    """Its web process, running again if a test has ended it."""
    if live.web.process is None or live.web.process.poll() is not None:
        live.web.start()
    return live.web


@pytest.fixture(scope="session")
def account(live: Live) -> Account:
    """Somebody who may write metrics; make another to end his session."""
    return live.web.register()
