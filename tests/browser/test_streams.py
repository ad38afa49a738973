"""The published `centrifuge` package in a real browser: it comes back, and has missed nothing.

EventSource is in test_eventsource.py.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.apps.realtime.live import Account, Live, installed
from tests.apps.realtime.sdk.clients import installed_packages
from tests.browser.test_eventsource import received, wait
from tests.browser.test_pages import FLAGS
from tests.patience import PATIENCE_MS

pytestmark = pytest.mark.needs_browser

BUILDS = {"json": "centrifuge.js", "protobuf": "centrifuge.protobuf.js"}
PLAIN_PAGE = "<!doctype html><title>A page</title><script src='centrifuge.js'></script>"
WATCH = """([url, isProtobuf, token]) => {
    window.ids = []; window.states = []; window.recoveries = []
    const read = data => isProtobuf ? JSON.parse(new TextDecoder().decode(data)) : data
    const client = new Centrifuge(url, {
        timeout: 120_000, minReconnectDelay: 50, maxReconnectDelay: 400,
        ...(token ? { token } : {}),
    })
    for (const state of ['connecting', 'connected', 'disconnected'])
        client.on(state, told => window.states.push([state, told.code ?? 0]))
    const room = client.newSubscription('metrics')
    room.on('publication', told => window.ids.push(read(told.data).id))
    room.on('subscribed', told => window.recoveries.push([told.wasRecovering, told.recovered]))
    room.subscribe()
    client.connect()
    window.client = client
}"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with installed(tmp_path_factory.mktemp("live")) as live:
        yield live


@pytest.fixture(params=BUILDS)
def build(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(live: Live, build: str, tmp_path: Path) -> Iterator[Page]:
    """A page that loads the package as its makers publish it for browsers."""
    script = installed_packages() / "node_modules" / "centrifuge" / "dist" / BUILDS[build]
    (tmp_path / "centrifuge.js").write_bytes(script.read_bytes())
    (tmp_path / "index.html").write_text(PLAIN_PAGE)
    with files(tmp_path) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=FLAGS)
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        yield page
        browser.close()


@contextmanager
def files(folder: Path) -> Iterator[str]:
    """The address of a plain server of these files, as a front end under development has one."""
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_it_misses_nothing_over_restarts(live: Live, page: Page, build: str) -> None:
    account: Account = live.web.register()
    url = f"{live.web.ws_url}/connection/websocket"
    page.evaluate(WATCH, [url, build == "protobuf", account.access])
    wait(page, "window.recoveries.length == 1")
    ids = live.commit([{"n": 1}, {"n": 2}])
    assert received(page, 2) == ids

    for times, is_killed in enumerate((False, True), 1):
        (live.web.kill if is_killed else live.web.end)()
        ids += live.commit([{"n": 3}] * 50)
        wait(page, "window.states.at(-1)[0] == 'connecting'")
        live.web.start()
        wait(page, f"window.recoveries.length == {times + 1}")
        ids += live.commit([{"n": 4}])
        assert received(page, len(ids)) == ids
    assert page.evaluate("window.recoveries") == [[False, False], [True, True], [True, True]]

    live.web.log_out(account)
    wait(page, "window.states.at(-1)[0] == 'disconnected'")
    assert page.evaluate("window.states.at(-1)[1]") == 3500
