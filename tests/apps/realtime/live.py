"""The product as it runs: web processes and a relay of their own, on a database of their own.

Tests talk to it as clients do. Nothing here looks into the processes.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import psycopg
from django.conf import settings
from psycopg import sql
from websockets.sync.client import connect

from tests.apps.realtime.shell import Shell
from tests.emptying import WAITS_FOR_NO_DISK
from tests.patience import PATIENCE_S, PATIENT
from tests.veza.asgi.serving import is_alive
from tests.veza.asgi.wire import CERTIFICATES, until
from veza.embedded.ports import free_port
from veza.kit.models import new_id

ASK_S = 0.05  # the processor belongs to the process that starts
PASSWORD = "violet tape under rain"
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "tests.settings",
    "VEZA_ENV": "embedded",
    "LOG_LEVEL": "WARNING",
    "RATE_LIMIT_PER_MINUTE": "1000000",
    "RATE_LIMIT_LOGIN_PER_MINUTE": "1000000",
    "ACCESS_TOKEN_TTL_S": "7200",  # an account may serve the tests of a whole run
    "DATABASE_POOL_MIN": "1",  # many installations share one server
    "DATABASE_POOL_IDLE_S": "5",
}
_names = count(1)
_INSERT = """
INSERT INTO events_outbox
       (id, aggregatetype, aggregateid, type, version, payload, rooms, actor, request_id, trace)
VALUES (%s, 'metric_reading', %s, %s, 1, %s, %s, NULL, '', '')
"""
# As each database gets when it is migrated: positions of another installation mean nothing here.
_OWN_EPOCH = "UPDATE events_epoch SET epoch = left(md5(gen_random_uuid()::text), 8)"

_SHORT_TOKEN = """
from datetime import timedelta
from django.utils import timezone
from apps.auth import selectors
from apps.auth.services.sessions import issue_access
from veza.kit.context import Client
session = issue_access(
    user=selectors.get_user("{}"), client=Client(user_agent="test", address=""),
    now=timezone.now(), lifetime=timedelta(seconds={}),
)
print(session)
"""


@dataclass(frozen=True, kw_only=True)
class Account:
    """Somebody who has just registered."""

    id: str
    username: str
    access: str
    refresh: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access}"}


@dataclass(kw_only=True)
class Program:
    """A command of `manage.py` that runs until it is told to end, and can be started again."""

    arguments: Sequence[str]
    environment: dict[str, str]
    log: Path
    is_ready: Callable[[], bool]
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Returns when it is ready."""
        with self.log.open("ab") as out:
            self.process = started = subprocess.Popen(
                [sys.executable, "manage.py", *self.arguments],
                cwd=settings.BASE_DIR, env=self.environment, stdout=out, stderr=out,
            )  # fmt: skip
        until(
            lambda: started.poll() is not None or self.is_ready(),
            tick_s=ASK_S,
        )
        assert started.poll() is None, self.log.read_text()[-3000:]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code. Does nothing when it has ended."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self.process = None
        return code

    def kill(self) -> None:
        """As a crash would."""
        self.end(signal.SIGKILL)


@dataclass(kw_only=True)
class Web(Program):
    """`manage.py web` on a port that it keeps over restarts."""

    port: int

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def restart(self, *, kill: bool = False) -> None:
        """End it, by SIGTERM or by force, and start it again on the same port."""
        self.end(signal.SIGKILL if kill else signal.SIGTERM)
        self.start()

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request to the API; `path` begins with a slash."""
        url = f"{self.base_url}{path}"
        return httpx.request(method, url, timeout=PATIENCE_S, verify=CERTIFICATES, **options)

    def register(self) -> Account:
        """A new account, signed in."""
        name = f"person{os.getpid()}-{next(_names)}"
        body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        answer = self.call("POST", "/api/v1/auth/register", json=body).raise_for_status().json()
        return Account(
            id=answer["user"]["id"], username=name,
            access=answer["access"], refresh=answer["refresh"],
        )  # fmt: skip

    def log_out(self, account: Account) -> None:
        """End the session of the account's tokens."""
        self.call("POST", "/api/v1/auth/logout", headers=account.headers).raise_for_status()

    def create_metric(self, account: Account, name: str = "temperature") -> dict[str, Any]:
        """The 201 body, which is the `data` of the fact `metric_created`."""
        return self._post("/api/v1/metrics", account, name=name, input_frequency="1s")

    def add_reading(self, account: Account, metric_id: str, value: float = 1.0) -> dict[str, Any]:
        """The 201 body, which is the `data` of the fact `metric_reading_created`."""
        return self._post("/api/v1/metrics/readings", account, metric_id=metric_id, value=value)

    def _post(self, path: str, account: Account, **body: Any) -> dict[str, Any]:
        answer = self.call("POST", path, json=body, headers=account.headers)
        created: dict[str, Any] = answer.raise_for_status().json()
        return created


@dataclass(kw_only=True)
class Live:
    """A database, a relay, and the first web process; more of these can be had for a while."""

    database_url: str
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    shell: Shell = field(init=False)
    relay: Program = field(init=False)
    web: Web = field(init=False)

    def __post_init__(self) -> None:
        self.relay = Program(
            arguments=["relay"], environment=self.environment(), log=self.folder / "relay.log",
            is_ready=self._relay_moves,
        )  # fmt: skip
        self.web = self._web()
        self.shell = Shell(environment=self.environment, log=self.folder / "shell.log")

    def environment(self, **changes: object) -> dict[str, str]:
        """Of a command that belongs to this installation."""
        environ = os.environ | ENVIRONMENT | self.settings
        environ |= {name: str(value) for name, value in changes.items()}
        environ |= {"DATABASE_URL": self.database_url, "VEZA_DATA_DIR": str(self.folder)}
        environ.pop("VEZA_ROLE", None)
        return environ

    @contextmanager
    def another_web(self, **environment: object) -> Iterator[Web]:
        """One more web process on the same database, with settings of its own."""
        web = self._web(**environment)
        web.start()
        try:
            yield web
        finally:
            web.end()

    def commit(
        self,
        payloads: Sequence[dict[str, Any]],
        *,
        rooms: Sequence[str] = ("metrics",),
        type: str = "metric_reading_created",  # noqa: A002 - the term of the contract
    ) -> list[str]:
        """Put facts into the outbox in one transaction, faster than by HTTP; their ids."""
        ids = [new_id() for _ in payloads]
        rows = [
            (id_, str(id_), type, json.dumps(payload), list(rooms))
            for id_, payload in zip(ids, payloads, strict=True)
        ]
        with psycopg.connect(self.database_url) as connection, connection.cursor() as cursor:
            cursor.executemany(_INSERT, rows)
        return [str(id_) for id_ in ids]

    def ingest(self, web: Web, *prices: dict[str, Any]) -> None:
        """Send prices as an ingestor does: `{"instrument", "price", "ts"}`."""
        headers = {"Authorization": f"Bearer {self.demo['tokens']['ingestor']}"}
        with connect(f"{web.ws_url}/ws/ingest", additional_headers=headers, **PATIENT) as socket:
            for price in prices:
                socket.send(json.dumps({"type": "price_update", **price}))
            socket.send(json.dumps({"type": "ping"}))
            assert json.loads(socket.recv(PATIENCE_S))["type"] == "pong"

    @cached_property
    def demo(self) -> dict[str, Any]:
        """Accounts and tokens as `manage.py demo --json` makes them."""
        printed: dict[str, Any] = json.loads(self.manage("demo", "--json"))
        return printed

    def short_token(self, account: Account, *, lifetime_s: int) -> str:
        """An access token of this person that is good for so long from now."""
        return self.shell.run(_SHORT_TOKEN.format(account.id, lifetime_s)).strip()

    def manage(self, *arguments: str) -> str:
        """What a command of `manage.py` prints."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR, env=self.environment(), check=True,
            capture_output=True, text=True,
        ).stdout  # fmt: skip

    def logged(self, *, room: str) -> list[tuple[str, int]]:
        """Ids and positions of all facts of a room in the log, oldest first."""
        rows = self.query(
            "SELECT id, position FROM events_log WHERE %s = ANY (rooms) ORDER BY position", room
        )
        return [(str(id_), position) for id_, position in rows]

    def wait_until_logged(self, ids: Sequence[str]) -> None:
        """Until the relay has moved these facts into the log."""
        wanted = [UUID(id_) for id_ in ids]
        statement = "SELECT count(*) FROM events_log WHERE id = ANY (%s)"
        until(lambda: self.query(statement, wanted)[0][0] == len(wanted))

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of one statement on the installation's database."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def _web(self, **environment: object) -> Web:
        port = free_port()
        return Web(
            arguments=["web", "--port", str(port)], environment=self.environment(**environment),
            log=self.folder / f"web-{port}.log", port=port, is_ready=lambda: is_alive(port),
        )  # fmt: skip

    def _relay_moves(self) -> bool:
        return bool(self.query("SELECT 1 FROM events_relay WHERE beat_at > now() - interval '3 s'"))


@contextmanager
def installed(folder: Path, **settings: str) -> Iterator[Live]:
    """A migrated database with a relay and a web process on it; all is gone afterwards."""
    with laid_out(folder, **settings) as live:
        live.relay.start()
        live.web.start()
        yield live


@contextmanager
def laid_out(folder: Path, **settings: str) -> Iterator[Live]:
    """As `installed`, but nothing has been started yet."""
    with _database(f"live_{os.getpid()}_{next(_names)}", template=_migrated()) as url:
        live = Live(database_url=url, folder=folder, settings=settings)
        live.query(_OWN_EPOCH)
        try:
            yield live
        finally:
            live.web.kill()
            live.relay.kill()
            live.shell.end()


@cache
def _migrated() -> str:
    """The name of a database to copy: making one from nothing takes seconds."""
    stack = ExitStack()
    atexit.register(stack.close)
    url = stack.enter_context(_database(f"migrated_{os.getpid()}", template="template1"))
    folder = Path(stack.enter_context(TemporaryDirectory()))
    Live(database_url=url, folder=folder).manage("migrate", "--verbosity", "0")
    return url.rpartition("/")[2]


@contextmanager
def _database(suffix: str, *, template: str) -> Iterator[str]:
    at = settings.DATABASES["default"]
    server = f"{quote(at['USER'])}:{quote(at['PASSWORD'])}@{at['HOST']}:{at['PORT'] or 5432}"
    # Not the name of the test database: that may not exist, or belong to a transaction.
    name = f"{os.environ['DATABASE_URL'].rpartition('/')[2].partition('?')[0]}_{suffix}"
    made, model = sql.Identifier(name), sql.Identifier(template)
    with psycopg.connect(f"postgres://{server}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(made, model))
        connection.execute(WAITS_FOR_NO_DISK.format(made))
        try:
            yield f"postgres://{server}/{name}"
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(made))
