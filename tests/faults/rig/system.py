"""All of it: PostgreSQL, Valkey, two web processes, two relays, a worker, and the links between.

Each process reaches each server by a link of its own, and clients reach each web process by one.
"""

import asyncio
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg import sql

from tests.faults.rig.programs import ROOT, Program, Web, is_alive, run_to_end
from tests.faults.rig.proxy import Board, Link
from tests.faults.rig.waiting import say, until_elsewhere
from veza.embedded import postgres, valkey
from veza.embedded.accounts import as_we_are, launched
from veza.embedded.ports import free_port
from veza.embedded.service import Service

KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH")
PASSWORD = "violet tape under rain"
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "veza.settings",
    "VEZA_ENV": "embedded",
    "LOG_LEVEL": "INFO",
    "LOG_FORMAT": "json",
    "PYTHONUNBUFFERED": "1",
    "RATE_LIMIT_PER_MINUTE": "10000000",
    "RATE_LIMIT_LOGIN_PER_MINUTE": "10000000",
    "ACCESS_TOKEN_TTL_S": "86400",
    "DATABASE_POOL_MIN": "1",
    "DATABASE_POOL_MAX": "12",
    "DATABASE_POOL_IDLE_S": "2",
    "SSE_HEARTBEAT_S": "1",
    "SHUTDOWN_TIMEOUT_S": "8",
}
# A process that is killed loses nothing that it has handed to the kernel, so the disk can wait;
# `synchronous_commit` must not.
POSTGRES = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "on"}
SUBJECTS = "CREATE TABLE rig_subject (id text PRIMARY KEY, version integer NOT NULL)"


class System:
    """Made by `running`. All programs keep their ports and links over restarts."""

    def __init__(self, folder: Path, *, postgres_options: Mapping[str, str] = POSTGRES) -> None:
        self.folder = folder
        self.board = Board()
        self.tokens: list[str] = []
        self.postgres = self._server("postgres", postgres.service, postgres_options)
        self.redis = self._server("redis", valkey.service, {})
        self.webs = [self.web("web-1"), self.web("web-2")]
        self.relays = [self._role("relay-1", "relay"), self._role("relay-2", "relay")]
        self.worker = self._role("worker", "worker", "--concurrency", "1")

    @property
    def programs(self) -> list[Program]:
        return [self.postgres, self.redis, *self.webs, *self.relays, self.worker]

    def environment(self, name: str, **changes: object) -> dict[str, str]:
        """Of a process of this name, which has links of its own."""
        kept = {key: os.environ[key] for key in KEPT if key in os.environ}
        at = self.link(name, "postgres").port, self.link(name, "redis").port
        return (
            kept
            | SETTINGS
            | {
                "VEZA_DATA_DIR": str(self.folder / "data"),
                "DATABASE_URL": f"postgres://postgres@127.0.0.1:{at[0]}/{postgres.DATABASE}",
                "REDIS_URL": f"redis://127.0.0.1:{at[1]}/0",
            }
            | {key: str(value) for key, value in changes.items()}
        )

    def link(self, name: str, server: str) -> Link:
        """The link from this process to `postgres` or `redis`."""
        target = self.postgres if server == "postgres" else self.redis
        return self.board.link(f"{name}>{server}", _port(target))

    def client_link(self, web: Web) -> Link:
        return self.board.link(f"clients>{web.name}", web.port)

    def web(self, name: str, **settings: object) -> Web:
        """A web process, not yet started."""
        port = free_port()
        argv = tied(sys.executable, str(ROOT / "manage.py"), "web", "--port", str(port))
        web = Web(
            name=name, argv=argv, env=self.environment(name, PORT=port, **settings),
            log=self.folder / f"{name}.log", port=port, is_ready=lambda: is_alive(port),
        )  # fmt: skip
        web.client_port = self.client_link(web).port
        return web

    def publisher(self, name: str, *arguments: str) -> Program:
        """A program that commits facts, not yet started; it writes the ledger NAME.ledger."""
        ledger = self.folder / f"{name}.ledger"
        ledger.unlink(missing_ok=True)
        argv = tied(
            sys.executable, "-m", "tests.faults.rig.publisher", "--ledger", str(ledger), *arguments
        )
        return Program(
            name=name, argv=argv, env=self.environment(name), log=self.folder / f"{name}.log"
        )

    def up(self) -> None:
        """Start everything. Blocks."""
        for server in (self.postgres, self.redis):
            server.launch()
        for server in (self.postgres, self.redis):
            server.wait_until_ready()
        run_to_end("migrate", "--verbosity", "0",
                   env=self.environment("migrate"), log=self.folder / "migrate.log")  # fmt: skip
        self.query(SUBJECTS)
        for program in (*self.webs, *self.relays, self.worker):
            program.launch()
        for program in (*self.webs, *self.relays):
            program.wait_until_ready()
        self.tokens = [self._register(f"writer{number}") for number in range(2)]
        for program in self.programs:
            say(f"{program.name} runs as process {program.pid}, log {program.log}")

    def down(self) -> None:
        """Stop everything. Blocks."""
        for program in reversed(self.programs):
            program.stop()
        self.board.close()

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of one statement, not through any link."""
        with psycopg.connect(self._dsn(), autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(sql.SQL(statement), values or None)
            return cursor.fetchall() if cursor.description else []

    def redis_command(self, *words: str) -> bytes:
        """The first bytes of the answer, not through any link."""
        return valkey_command(_port(self.redis), *words)

    def head(self) -> tuple[int, str, str]:
        """Position, id of the fact there, and epoch."""
        rows = self.query(
            "SELECT l.position, l.id, e.epoch FROM events_log l, events_epoch e"
            " ORDER BY l.position DESC LIMIT 1"
        )
        position, fact, epoch = rows[0]
        return position, str(fact), epoch

    def outbox_is_empty(self) -> bool:
        return not self.query("SELECT 1 FROM events_outbox LIMIT 1")

    async def heal(self) -> None:
        """Good links, nobody frozen, and whatever was killed runs again."""
        self.board.heal()
        for program in self.programs:
            program.signal(signal.SIGCONT)
        for program in self.programs:
            if program.is_ending:
                await asyncio.to_thread(program.wait)
            if not program.is_running:
                await program.start()
        await until_elsewhere(self._serves, what="all web processes serve, and a relay moves")

    def _serves(self) -> bool:
        try:
            return all(web.get("/readyz")[0] == 200 for web in self.webs)
        except OSError:
            return False

    def _register(self, name: str) -> str:
        body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        url = f"http://127.0.0.1:{self.webs[0].port}/api/v1/auth/register"
        token: str = httpx.post(url, json=body, timeout=30).raise_for_status().json()["access"]
        return token

    def _server(self, name: str, make: Any, options: Mapping[str, str]) -> Program:
        service: Service = make(self.folder, port=free_port(), env=_plain_environment())
        extra = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        argv = launched(
            (*service.argv, *extra), account=service.account, signal_number=signal.SIGKILL
        )
        return Program(
            name=name, argv=argv, env=service.env, log=self.folder / f"{name}.log",
            is_ready=service.is_ready, before_start=service.before_start,
        )  # fmt: skip

    def _role(self, name: str, *arguments: str) -> Program:
        argv = tied(sys.executable, str(ROOT / "manage.py"), *arguments)
        return Program(
            name=name, argv=argv, env=self.environment(name), log=self.folder / f"{name}.log"
        )

    def _dsn(self) -> str:
        return f"postgres://postgres@127.0.0.1:{_port(self.postgres)}/{postgres.DATABASE}"


@contextmanager
def running(folder: Path) -> Iterator[System]:
    """A whole system of its own; nothing of it is left afterwards."""
    system = System(folder)
    try:
        system.up()
        yield system
    finally:
        system.down()
        shutil.rmtree(folder / "postgres", ignore_errors=True)


def tied(*argv: str) -> tuple[str, ...]:
    """Killed when the process that runs the tests dies."""
    return launched(argv, account=as_we_are(), signal_number=signal.SIGKILL)


def _plain_environment() -> dict[str, str]:
    return {key: os.environ[key] for key in KEPT if key in os.environ}


def _port(server: Program) -> int:
    """What the server was told to listen on: `-p N` or `--port N`."""
    words = list(server.argv)
    place = words.index("-p") if "-p" in words else words.index("--port")
    return int(words[place + 1])


def valkey_command(port: int, *words: str) -> bytes:
    """Send one command and return the first bytes of the answer. Raises OSError."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        parts = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        connection.sendall(f"*{len(words)}\r\n{parts}".encode())
        return connection.recv(65536)
