"""A browser's own EventSource: it comes back by itself, and has missed nothing."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.apps.realtime.live import Live, installed
from tests.browser.test_pages import FLAGS
from tests.patience import PATIENCE_MS
from tests.veza.asgi.wire import until

pytestmark = pytest.mark.needs_browser

WATCH = """() => {
    window.ids = []; window.said = []; window.opened = 0; window.resets = 0
    const source = new EventSource('/api/v1/events/watch')
    source.onopen = () => { window.opened += 1 }
    source.onmessage = event => { window.said.push(event.data) }
    source.addEventListener('metric_reading_created', event => {
        JSON.parse(event.data); window.ids.push(event.lastEventId)
    })
    source.addEventListener('reset', () => { window.resets += 1 })
    window.source = source
}"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with installed(tmp_path_factory.mktemp("live")) as live:
        yield live


@pytest.fixture
def page(live: Live) -> Iterator[Page]:
    """A tab on the product's own first page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=FLAGS)
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{live.web.base_url}/")
        yield page
        browser.close()


def wait(page: Page, condition: str) -> None:
    """Until it holds. The page's policy forbids what `page.wait_for_function` does."""
    until(lambda: page.evaluate(condition))


def received(page: Page, count: int) -> list[str]:
    """The ids of so many facts."""
    wait(page, f"window.ids.length >= {count}")
    ids: list[str] = page.evaluate("window.ids")
    return ids


def test_it_misses_nothing_over_restarts(live: Live, page: Page) -> None:
    page.evaluate(WATCH)
    wait(page, "window.said.includes('connected')")
    ids = live.commit([{"n": 1}, {"n": 2}])
    assert received(page, 2) == ids

    live.web.end()
    ids += live.commit([{"n": 3}] * 50)
    wait(page, "window.source.readyState == EventSource.CONNECTING")
    live.web.start()
    wait(page, "window.opened == 2")
    ids += live.commit([{"n": 4}])
    assert received(page, 53) == ids
    assert page.evaluate("window.said") == ["connected", "disconnected", "connected"]

    live.web.kill()
    ids += live.commit([{"n": 5}] * 50)
    live.web.start()
    wait(page, "window.opened == 3")
    assert received(page, 103) == ids
    assert page.evaluate("window.resets") == 0


def test_it_gives_up_on_a_room_that_is_not_there(live: Live, page: Page) -> None:
    page.evaluate("() => { window.source = new EventSource('/events/watch?rooms=nosuch') }")
    wait(page, "window.source.readyState == EventSource.CLOSED")
