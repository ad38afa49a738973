"""One installation for all tests of realtime: starting it takes longer than using it."""

from collections.abc import Iterator

import pytest

from tests.apps.realtime.live import Account, Live, Web, installed
from tests.apps.realtime.sse.stream import handed_out
from tests.veza.asgi.wire import until


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The product, running: `live.web`, `live.relay`, `live.another_web(SSE_HEARTBEAT_S=1)`."""
    with installed(tmp_path_factory.mktemp("live")) as live:
        yield live


@pytest.fixture
def web(live: Live) -> Web:
    """Its web process, running again if a test has ended it, with no facts of others to come."""
    if live.web.process is None or live.web.process.poll() is not None:
        live.web.start()
    until(lambda: _has_handed_out_everything(live))
    return live.web


def _has_handed_out_everything(live: Live) -> bool:
    """Facts of the test before may still be on their way, and would come in front of ours."""
    [[waiting]] = live.query("SELECT count(*) FROM events_outbox")
    [[head]] = live.query("SELECT coalesce(max(position), 0) FROM events_log")
    return bool(waiting == 0 and handed_out(live.web.port) >= head)


@pytest.fixture(scope="session")
def account(live: Live) -> Account:
    """Somebody who may write metrics; make another to end his session."""
    return live.web.register()
