"""One installation for all tests of uploads, with files on its disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apps.realtime.live import Live, Web, installed
from tests.apps.track.uploads.disk import Disk
from tests.apps.track.uploads.tus import Tus
from tests.veza.integrations.own_s3 import OwnS3

SETTINGS = {"DJANGO_SETTINGS_MODULE": "veza.settings"}


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The product, running."""
    with installed(tmp_path_factory.mktemp("uploads"), **SETTINGS) as live:
        yield live


@pytest.fixture
def web(live: Live) -> Web:
    """Its web process, running again if a test has ended it."""
    if live.web.process is None or live.web.process.poll() is not None:
        live.web.start()
    return live.web


@pytest.fixture(scope="session")
def _account(live: Live):
    return live.web.register()


@pytest.fixture
def tus(web: Web, _account) -> Tus:
    """Somebody who uploads."""
    return Tus(port=web.port, account=_account)


@pytest.fixture
def disk(live: Live, tmp_path: Path) -> Disk:
    """What lies in the storage of the installation, and in its tables."""
    return Disk(live=live)


@pytest.fixture(scope="session")
def own_s3() -> Iterator[OwnS3]:
    with OwnS3() as started:
        yield started
