"""Every adapter of the port."""

import pytest

from veza.integrations.media import Media
from veza.integrations.media.child import ChildProcessMedia
from veza.integrations.media.in_process import InProcessMedia

ADAPTERS: dict[str, type[Media]] = {"child": ChildProcessMedia, "in process": InProcessMedia}


@pytest.fixture(params=ADAPTERS)
def media(request: pytest.FixtureRequest) -> Media:
    return ADAPTERS[request.param]()


@pytest.fixture
def child() -> ChildProcessMedia:
    return ChildProcessMedia()
