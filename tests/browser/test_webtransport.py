"""WebTransport in a real browser: a page watches a game, and has missed nothing when it comes back.

The rounds are inserted as another program would, by SQL, and take the whole way: change capture,
projector, the feed, the process `webtransport`.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, sync_playwright

from tests.browser.test_pages import FLAGS
from tests.browser.test_streams import files
from tests.faults.rig.road import GAME, Road
from tests.faults.rig.system import PASSWORD
from tests.patience import PATIENCE_MS, PATIENCE_S
from tests.veza.asgi.wire import until
from veza.embedded.ports import udp_port

pytestmark = pytest.mark.needs_browser

SOMEBODY = {"username": "viewer", "email": "viewer@example.org", "password": PASSWORD}
OPEN = """async ([info, path, token, commands]) => {
    const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0))
    const transport = new WebTransport(info.url + path, {
        serverCertificateHashes: info.certificate_hashes.map(
            ({algorithm, value}) => ({algorithm, value: bytes(value)}))})
    const here = window.here = {lines: [], answers: [], ended: null}
    transport.closed.then(
        told => here.ended = [told.closeCode, told.reason], () => here.ended = [])
    await transport.ready
    const read = async (stream, into) => {
        let rest = ''
        for await (const text of stream.pipeThrough(new TextDecoderStream())) {
            const parts = (rest + text).split('\\n')
            rest = parts.pop()
            into.push(...parts.map(line => JSON.parse(line)))
        }
    }
    const quiet = () => {}
    ;(async () => {
        for await (const stream of transport.incomingUnidirectionalStreams)
            read(stream, here.lines).catch(quiet)
    })().catch(quiet)
    const commanded = await transport.createBidirectionalStream()
    read(commanded.readable, here.answers).catch(quiet)
    const writer = commanded.writable.getWriter()
    here.say = frame => writer.write(new TextEncoder().encode(JSON.stringify(frame) + '\\n'))
    for (const command of [{type: 'auth', token}, ...commands, {type: 'ping'}])
        await here.say(command)
}"""


class Arena(Road):
    """The road of rounds with one of each process, and `webtransport` at its end."""

    def up(self) -> None:
        self.prepare()
        self.captures, self.projectors = (
            [self._role("capture", "capture")],
            [self._role("projector", "projector")],
        )
        port, told = udp_port(4433), self.folder / "data" / "webtransport" / "listening.json"
        self.webtransport = self._role("webtransport", "webtransport", "--port", str(port))
        self.webtransport.is_ready = told.exists
        for program in (self.webs[0], self.relays[0], *self.captures, *self.projectors):
            program.launch()
        self.webs[0].wait_until_ready()
        self.begin()

    def down(self) -> None:
        self.webtransport.stop()
        self.relays[0].stop()
        super().down()

    def begin(self) -> None:
        """Have `webtransport` run."""
        self.webtransport.launch()
        self.webtransport.wait_until_ready()

    def call(self, method: str, path: str, **options: Any) -> Any:
        """The body of an answer of the API."""
        url = f"http://127.0.0.1:{self.webs[0].port}/api/v1{path}"
        answer = httpx.request(method, url, timeout=PATIENCE_S, **options).raise_for_status()
        return answer.json() if answer.content else None

    def rows(self, count: int) -> list[int]:
        """Rounds in one commit, as another program writes them; their numbers."""
        last = self.insert(count)
        return list(range(last - count + 1, last + 1))


@pytest.fixture
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    arena = Arena(tmp_path_factory.mktemp("arena"))
    try:
        arena.up()
        yield arena
    finally:
        arena.down()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    (tmp_path / "index.html").write_text("<!doctype html><title>A page</title>")
    flags = [flag for flag in FLAGS if flag != "--disable-quic"]
    with files(tmp_path) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=flags)
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        yield page
        browser.close()


def test_a_page_watches_a_game_over_a_restart(arena: Arena, page: Page) -> None:
    account = arena.call("POST", "/auth/register", json=SOMEBODY)
    token, own = account["access"], f"user:{account['user']['id']}"
    first = [arena.insert()]
    until(lambda: arena.latest() == first[0])
    wanted = [{"type": "subscribe", "room": room} for room in (f"game:{GAME}", own)]
    _open(arena, page, token, *wanted)
    page.wait_for_function("here.answers.length === 3")
    kinds = [each["type"] for each in page.evaluate("here.answers")]
    assert kinds == ["ack", "ack", "pong"]
    first = arena.rows(20)
    page.wait_for_function("count => here.lines.length >= count", arg=len(first))
    seen = page.evaluate("here.lines")

    arena.webtransport.stop()
    page.wait_for_function("here.ended !== null")
    assert page.evaluate("here.ended") == [3001, "shutdown"]
    missed = arena.rows(30)
    arena.begin()
    _open(arena, page, token, path=f"/games/kills?after={seen[-1]['id']}")
    page.wait_for_function("count => here.lines.length >= count", arg=len(missed))
    later = arena.rows(5)
    page.wait_for_function("count => here.lines.length >= count", arg=len(missed + later))

    seen += page.evaluate("here.lines")
    assert [each["data"]["id"] for each in seen] == first + missed + later
    assert {each["room"] for each in seen} == {f"game:{GAME}"}
    arena.call("POST", "/auth/logout", headers={"Authorization": f"Bearer {token}"})
    page.wait_for_function("here.ended !== null")
    assert page.evaluate("here.ended") == [3500, "token revoked"]


def _open(arena: Arena, page: Page, token: str, *commands: dict[str, str], path: str = "") -> None:
    """As a page does it that knows nothing but the address of the API."""
    page.evaluate(OPEN, [arena.call("GET", "/webtransport"), path, token, commands])
