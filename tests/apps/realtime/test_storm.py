"""Clients that come back at once cost no query for what memory holds: PostgreSQL may be away."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from tests.apps.realtime.centrifugo.sockets import connected
from tests.apps.realtime.live import Live, Web
from tests.patience import PATIENCE_S
from tests.veza.asgi.wire import until

STREAMS = 600
SOCKETS = 400
MISSED = 100


def asks_again(web: Web) -> bool:
    """Whether the process has connections again."""
    return all(web.call("GET", "/api/v1/metrics").is_success for _ in range(5))


@contextmanager
def without_database(live: Live) -> Iterator[None]:
    """Nobody has a connection to it, nor can get one."""
    server, _, name = live.database_url.rpartition("/")
    allow = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
    cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
        admin.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        try:
            until(lambda: admin.execute(cut, [name]).fetchone() == (0,))
            yield
        finally:
            admin.execute(allow.format(sql.Identifier(name), sql.SQL("true")))
            until(lambda: asks_again(live.web))


async def stream(web: Web, last_id: str) -> list[str]:
    """The ids that a stream of events gets after this one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
    writer.write(
        f"GET /api/v1/events/watch?rooms=metrics HTTP/1.1\r\nHost: localhost\r\n"
        f"Last-Event-ID: {last_id}\r\n\r\n".encode()
    )
    ids: list[str] = []
    while len(ids) < MISSED:
        line = await reader.readline()
        assert line, "the stream ended"
        if line.startswith(b"id: "):
            ids.append(line[4:].decode().strip())
    writer.close()
    return ids


async def socket(web: Web, offset: int) -> list[str]:
    """The ids that a socket recovers after this position."""
    async with connected(web) as opened:
        reply = await opened.ask("subscribe", channel="metrics", recover=True, offset=offset)
        assert reply["subscribe"]["recovered"]
        return [each["data"]["id"] for each in reply["subscribe"]["publications"]]


async def test_a_thousand_come_back_at_once_without_a_database(live: Live, web: Web) -> None:
    last_id = live.commit([{}])[0]
    ids = live.commit([{"n": n} for n in range(MISSED)])
    live.wait_until_logged(ids)
    offset = dict(live.logged(room="metrics"))[last_id]
    async with connected(web) as opened:
        await opened.until_applied(offset + MISSED)
    with without_database(live):
        coming = [
            *(asyncio.ensure_future(stream(web, last_id)) for _ in range(STREAMS)),
            *(asyncio.ensure_future(socket(web, offset)) for _ in range(SOCKETS)),
        ]
        async with asyncio.timeout(PATIENCE_S):
            received = await asyncio.gather(*coming)
    assert [n for n, each in enumerate(received) if each != ids] == []


async def test_facts_flow_again_when_it_is_back(live: Live, web: Web) -> None:
    with without_database(live):
        pass
    async with connected(web) as opened:
        await opened.ask("subscribe", channel="metrics")
        ids = live.commit([{}])
        assert (await opened.get())["push"]["pub"]["data"]["id"] == ids[0]
