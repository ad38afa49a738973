"""A person whose every secret is known to the test, and everything that a run has written."""

import json
import re
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import redis

from tests.apps.realtime.live import Live, Web
from tests.patience import PATIENCE_S

TASK = re.compile(r'"body": "([\w+/=]+)"')
MAILED = re.compile(r"#key=([\w.~=-]+)")


@dataclass(kw_only=True)
class Person:
    """What he sends, and every answer that was an error."""

    web: Web
    secrets: dict[str, str] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)

    def keep(self, **secrets: str) -> None:
        """From now on these must be found nowhere."""
        for name, value in secrets.items():
            assert len(value) >= 12, f"{name} is too short to be told from chance"
            self.secrets[f"{name} {len(self.secrets)}"] = value

    def send(
        self, method: str, path: str, body: Any = None, *, token: str = "", **headers: str
    ) -> httpx.Response:
        """One request; what is refused is kept."""
        if token:
            headers["Authorization"] = f"Bearer {token}"
        options = {"content": body} if isinstance(body, str | bytes) else {"json": body}
        options = {} if body is None else options
        answer = self.web.call(method, path, headers=headers, **options)
        if answer.status_code >= httpx.codes.BAD_REQUEST:
            self.problems.append((f"{method} {path}"[:60], answer.text))
        return answer

    def post(self, path: str, body: Any = None, *, token: str = "") -> httpx.Response:
        return self.send("POST", f"/api/v1/{path}", body, token=token)


class Monitor:
    """Every command that Redis is sent, values included, and what tasks say in Base64."""

    def __init__(self, url: str) -> None:
        self.lines: list[str] = []
        self._client = redis.Redis.from_url(url)
        self._monitor = self._client.monitor()  # type: ignore[no-untyped-call]
        self._monitor.__enter__()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Nothing more is noted."""
        self._monitor.connection.disconnect()
        self._thread.join(PATIENCE_S)
        self._client.close()

    def _run(self) -> None:
        try:
            for command in self._monitor.listen():
                line = command["command"]
                bodies = (b64decode(body).decode() for body in TASK.findall(line))
                self.lines.append(" ".join([line, *bodies]))
        except (redis.RedisError, ValueError, OSError):
            return


@contextmanager
def monitored(url: str) -> Iterator[Monitor]:
    """All that goes into Redis within the block: rate limits, hints, tasks, results."""
    monitor = Monitor(url)
    try:
        yield monitor
    finally:
        monitor.close()


def mailed(live: Live, subject: str) -> str:
    """The text of the newest mail with this in its subject; empty while there is none."""
    for path in sorted((live.folder / "mail").glob("*.log"), reverse=True):
        raw = path.read_bytes().partition(b"\n" + b"-" * 79)[0]
        message = message_from_bytes(raw, _class=EmailMessage, policy=policy.default)
        body = message.get_body(("plain",))
        if subject in str(message["Subject"]) and body is not None:
            return str(body.get_content())
    return ""


def rows(live: Live) -> Iterator[tuple[str, str]]:
    """Every column of every row of every table, as `table.column` and text."""
    tables = live.query(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    for (table,) in tables:
        statement = f'SELECT to_jsonb(t) FROM public."{table}" t'  # noqa: S608 - names of our own
        for (row,) in live.query(statement):
            for column, value in row.items():
                yield f"{table}.{column}", value if isinstance(value, str) else json.dumps(value)


def files(folder: Path, *, without: str) -> Iterator[tuple[str, str]]:
    """Everything below the folder, logs of all processes among it."""
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not name.startswith(without):
            yield name, path.read_bytes().decode("utf-8", "replace")
