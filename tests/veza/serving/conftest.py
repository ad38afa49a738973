"""One installation for the tests of serving; what it serves lies on its disk."""

from collections.abc import Iterator

import pytest

from tests.apps.realtime.live import installed
from tests.veza.serving.product import Product

SETTINGS = {"DJANGO_SETTINGS_MODULE": "veza.settings"}


@pytest.fixture(scope="module")
def product(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """With the ENVIRONMENT of the module."""
    settings = SETTINGS | request.module.ENVIRONMENT
    with installed(tmp_path_factory.mktemp("product"), **settings) as live:
        yield Product(live=live)
