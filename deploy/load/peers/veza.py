"""Veza itself: `manage.py web`, with a database of its own on the server of DATABASE_URL.

Prices enter through `/ws/ingest` and leave by the transport that is measured. The database is made
at the first need and dropped at the end of the run.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from deploy.load.bench.processes import running
from deploy.load.bench.target import ROOT, MissingError, Options, Place, Server
from veza.embedded.ports import free_port

DATABASE = f"veza_bench_{os.getpid()}"
ROOM_NAME = "BENCH-INSTRUMENT-%05d"
"""So long that a message has about 150 bytes."""
_PRICE = '{"type":"price_update","instrument":"{room}","price":{seq},"ts":1700000000000}'
_OPTIONS: dict[str, Options] = {
    "backbone": {"path": "/ws", "join": '{"type":"join","room":"{room}"}'},
    "centrifugo": {
        "path": "/connection/websocket",
        "hello": '{"id":1,"connect":{}}',
        "after": '"connect"',
        "join": '{"id":2,"subscribe":{"channel":"instrument:{room}"}}',
    },
    "sse": {"stream": "sse", "path": "/api/v1/events/watch?rooms=instrument:{room}"},
}
TRANSPORTS = tuple(_OPTIONS)
_FACTS: dict[str, Options] = {
    "backbone": {"join": '{"type":"join","room":"metrics"}'},
    "centrifugo": {"join": '{"id":2,"subscribe":{"channel":"metrics"}}'},
    "sse": {"path": "/api/v1/events/watch?rooms=metrics"},
}
_kept = ExitStack()


def prepare(place: Place) -> None:
    """A database with the schema and the demo accounts."""
    environ(place)


def close() -> None:
    """Drop what `prepare` made."""
    _kept.close()
    _made.clear()


_made: dict[str, str] = {}


def environ(place: Place) -> Mapping[str, str]:
    """The environment of our processes, with the ingestor's token in it for us."""
    if not _made:
        server = place.environ.get("DATABASE_URL")
        if not server:
            raise MissingError("set DATABASE_URL to a server on which a database may be made")
        _made.update(place.environ)
        _made.update(
            DATABASE_URL=_kept.enter_context(_database(server)),
            VEZA_DATA_DIR=_kept.enter_context(tempfile.TemporaryDirectory(prefix="veza-load-")),
            VEZA_ENV="embedded",
            LOG_LEVEL="WARNING",
            RATE_LIMIT_PER_MINUTE="100000000",
            LAST_VALUE_TTL_S="1",  # no round begins with the last value of the one before
        )
        _manage("migrate", "--verbosity", "0")
        _made["VEZA_LOAD_TOKEN"] = json.loads(_manage("demo", "--json"))["tokens"]["ingestor"]
    return _made


def _manage(*arguments: str) -> str:
    argv = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(argv, cwd=ROOT, env=_made, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise MissingError(f"manage.py {arguments[0]}: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


@contextmanager
def serve(place: Place, *, transport: str, is_alone: bool = False) -> Iterator[Server]:
    """One of backbone, centrifugo, sse. Alone it has no Redis, and tells nothing to others."""
    with serve_all(place, transports=(transport,), is_alone=is_alone) as servers:
        yield servers[0]


@contextmanager
def serve_whole(place: Place, *, transport: str) -> Iterator[Server]:
    """With a relay beside it, as in every installation, so that it need not poll the log."""
    with relay(place), serve(place, transport=transport) as server:
        yield server


@contextmanager
def serve_all(
    place: Place, *, transports: Sequence[str], processes: int = 1, is_alone: bool = False
) -> Iterator[list[Server]]:
    """One installation as several clients see it, on any address of this machine."""
    port = free_port()
    own = {**environ(place), "WEB_PROCESSES": str(processes), "SSE_MAX_CLIENTS": "1000000"}
    if is_alone:
        own["REDIS_URL"] = ""
    argv = place.pinned(
        [sys.executable, "manage.py", "web", "--host", "0.0.0.0", "--port", str(port)]  # noqa: S104
    )
    with running(argv, port=port, cwd=ROOT, env=own, name=f"veza-{transports[0]}") as pid:
        token = own["VEZA_LOAD_TOKEN"]
        yield [Server(pid=pid, port=port, options=_options(each, token)) for each in transports]


def facts_options(transport: str) -> Options:
    """What the client is told besides, to watch facts instead of prices."""
    return {**_FACTS[transport], "marker": '"value":'}


@contextmanager
def relay(place: Place) -> Iterator[None]:
    """The relay, on the clients' core; for facts."""
    argv = place.beside([sys.executable, "manage.py", "relay"])
    with running(argv, port=None, cwd=ROOT, env=environ(place), name="veza-relay"):
        yield


def _options(transport: str, token: str) -> Options:
    return {
        **_OPTIONS[transport],
        "room": ROOM_NAME,
        "marker": '"price":',
        "publish_path": "/ws/ingest",
        "publish_header": f"Authorization: Bearer {token}\r\n",
        "message": _PRICE,
    }


@contextmanager
def _database(server: str) -> Iterator[str]:
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(DATABASE))
    create = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE))
    try:
        _administer(server, drop, create)
    except psycopg.OperationalError as fault:
        raise MissingError(f"DATABASE_URL: {fault}") from None
    try:
        yield urlsplit(server)._replace(path=f"/{DATABASE}").geturl()
    finally:
        _administer(server, drop)


def _administer(server: str, *statements: sql.SQL | sql.Composed) -> None:
    url = urlsplit(server)._replace(path="/postgres").geturl()
    with psycopg.connect(url, autocommit=True) as database:
        for statement in statements:
            database.execute(statement)
