"""WebTransport in a real browser: a page watches a game, and has missed nothing when it comes back.

The rounds are inserted as another program would, by SQL, and take the whole way: change capture,
projector, the feed, the process `webtransport`.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Page, sync_playwright

from tests.apps.realtime.live import Live, Program, installed
from tests.apps.realtime.webtransport.serving import WebTransportProgram, serving
from tests.browser.test_pages import FLAGS
from tests.browser.test_streams import files
from tests.veza.asgi.wire import until

pytestmark = pytest.mark.needs_browser

ROOM = "game:browser"
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


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with installed(tmp_path_factory.mktemp("live")) as live, _carried(live):
        live.query("INSERT INTO datastream_game (slug, type) VALUES ('browser', 'test')")
        yield live


@pytest.fixture(scope="module")
def server(live: Live) -> Iterator[WebTransportProgram]:
    with serving(live) as program:
        yield program


@contextmanager
def _carried(live: Live) -> Iterator[None]:
    """Capture and projector of this installation, with a slot of its own."""
    slot = f"browser_{os.getpid()}"
    with ExitStack() as stack:
        for role in ("capture", "projector"):
            program = Program(
                arguments=[role], environment=live.environment(CAPTURE_SLOT=slot),
                log=live.folder / f"{role}.log", is_ready=lambda: _is_captured(live, slot),
            )  # fmt: skip
            program.start()
            stack.callback(program.kill)
        try:
            yield
        finally:
            stack.close()
            with psycopg.connect(live.database_url, autocommit=True) as connection:
                until(lambda: _drop(connection, slot))


def _is_captured(live: Live, slot: str) -> bool:
    rows = live.query(
        "SELECT 1 FROM pg_replication_slots WHERE slot_name = %s AND active"
        " AND confirmed_flush_lsn IS NOT NULL",
        slot,
    )
    return bool(rows)


def _drop(connection: "psycopg.Connection", slot: str) -> bool:
    """Whether nobody holds the slot any more; then it is gone."""
    statement = "FROM pg_replication_slots WHERE slot_name = %s"
    if connection.execute(f"SELECT 1 {statement} AND active", [slot]).fetchone():  # type: ignore[arg-type]
        return False
    connection.execute(f"SELECT pg_drop_replication_slot(slot_name) {statement}", [slot])  # type: ignore[arg-type]
    return True


@pytest.fixture
def page(server: WebTransportProgram, tmp_path: Path) -> Iterator[Page]:
    (tmp_path / "index.html").write_text("<!doctype html><title>A page</title>")
    flags = [flag for flag in FLAGS if flag != "--disable-quic"]
    with files(tmp_path) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=flags)
        page = browser.new_page()
        page.goto(address)
        yield page
        browser.close()


def insert(live: Live, count: int) -> list[int]:
    """Rounds, as another program writes them; their numbers."""
    rows = live.query(
        "INSERT INTO datastream_round (game_id) SELECT g.id FROM datastream_game g,"
        " generate_series(1, %s) WHERE slug = 'browser' RETURNING id",
        count,
    )
    return [row[0] for row in rows]


def test_a_page_watches_a_game_over_a_restart(
    live: Live, server: WebTransportProgram, page: Page
) -> None:
    account = live.web.register()
    _open(live, page, token=account.access, commands=[
        {"type": "subscribe", "room": ROOM}, {"type": "subscribe", "room": f"user:{account.id}"},
    ])  # fmt: skip
    page.wait_for_function("here.answers.length === 3")
    kinds = [each["type"] for each in page.evaluate("here.answers")]
    assert kinds == ["ack", "ack", "pong"]
    first = insert(live, 20)
    page.wait_for_function("count => here.lines.length >= count", arg=len(first))
    seen = page.evaluate("here.lines")

    server.end()
    page.wait_for_function("here.ended !== null")
    assert page.evaluate("here.ended") == [3001, "shutdown"]
    missed = insert(live, 30)
    server.start()
    _open(live, page, token=account.access, path=f"/games/browser?after={seen[-1]['id']}")
    page.wait_for_function("count => here.lines.length >= count", arg=len(missed))
    later = insert(live, 5)
    page.wait_for_function("count => here.lines.length >= count", arg=len(missed + later))

    seen += page.evaluate("here.lines")
    assert [each["data"]["id"] for each in seen] == first + missed + later
    assert {each["room"] for each in seen} == {ROOM}
    live.web.log_out(account)
    page.wait_for_function("here.ended !== null")
    assert page.evaluate("here.ended") == [3500, "token revoked"]


def _open(
    live: Live,
    page: Page,
    *,
    token: str,
    path: str = "",
    commands: list[dict[str, str]] | None = None,
) -> None:
    """As a page does it that knows nothing but the address of the API."""
    info = live.web.call("GET", "/api/v1/webtransport").json()
    page.evaluate(OPEN, [info, path, token, commands or []])
