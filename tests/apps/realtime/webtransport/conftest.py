"""The process `webtransport` of the installation that the tests of realtime share."""

from collections.abc import Iterator

import pytest

from tests.apps.realtime.live import Live
from tests.apps.realtime.webtransport.serving import WebTransportProgram, serving


@pytest.fixture(scope="module")
def server(live: Live) -> Iterator[WebTransportProgram]:
    with serving(live) as program:
        yield program
