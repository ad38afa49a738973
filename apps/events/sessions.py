"""Database sessions of long-running processes, and waiting between attempts."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection
from psycopg.sql import Composed

Session = psycopg.Connection[Any]
Query = str | Composed

LINK = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_LIMITS = """
SET lock_timeout = '5s';
SET statement_timeout = '60s';
SET idle_in_transaction_session_timeout = '10s';
"""


@contextmanager
def session(name: str) -> Iterator[Session]:
    """A connection in autocommit, called `name` in pg_stat_activity."""
    opened: Session = connection.get_new_connection(connection.get_connection_params() | LINK)
    try:
        opened.autocommit = True
        # Not Django's cursor nor one that traces: no span for each of fifty polls a second.
        opened.cursor_factory = psycopg.Cursor
        opened.execute("SELECT set_config('application_name', %s, false)", [name])
        opened.execute(_LIMITS)
        yield opened
    finally:
        opened.close()


def row(of: Session, sql: Query, *values: object) -> Any:
    """The first row of the answer."""
    return of.execute(sql, values or None).fetchone()


def first_line(fault: BaseException) -> str:
    """What went wrong, for one line of a log."""
    return (str(fault).splitlines() or [type(fault).__name__])[0]


class BackOff:
    """Waits that double from `first_s` to `last_s`, spread so that processes do not march."""

    def __init__(self, *, first_s: float = 0.1, last_s: float = 5.0) -> None:
        self._first_s = first_s
        self._last_s = last_s
        self._wait_s = 0.0

    def reset(self) -> None:
        """It went well."""
        self._wait_s = 0.0

    def next_s(self) -> float:
        """How long to wait after one more failure."""
        self._wait_s = min(self._last_s, max(self._first_s, self._wait_s * 2))
        return self._wait_s * random.uniform(0.5, 1.0)  # noqa: S311
