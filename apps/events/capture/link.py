"""The replication protocol over libpq: psycopg has no cursor for it, but PGconn has all."""

import select
import struct
import time
from collections.abc import Iterator
from typing import NamedTuple

import psycopg
from django.db import connection
from psycopg import pq
from psycopg.conninfo import make_conninfo
from psycopg.pq import abc

from apps.events.capture.decoder import EPOCH_US

_KEEPALIVE = struct.Struct(">QqB")
_PLACE = struct.Struct(">Q")
_IS_DATA, _DATA_AT = ord("w"), 25
_FEEDBACK = struct.Struct(">cqqqqb")
# As text, and always the same text, whatever the server or the role has set.
_OPTIONS = (
    "-c timezone=UTC -c datestyle=ISO -c extra_float_digits=1 -c bytea_output=hex"
    " -c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0"
)
_OURS = {
    "replication": "database", "application_name": "veza-capture", "options": _OPTIONS,
    "connect_timeout": 5, "tcp_user_timeout": 30_000, "keepalives_idle": 10,
    "keepalives_interval": 5, "keepalives_count": 3,
}  # fmt: skip
_LIBPQ = ("dbname", "host", "port", "user", "password", "sslmode", "sslrootcert", "sslcert",
          "sslkey", "passfile", "service", "channel_binding", "gssencmode")  # fmt: skip


MOST = 2000


class Data(NamedTuple):
    """One message of the slot; `lsn` is where what it tells stands in the log."""

    lsn: int
    payload: bytes


class Alive(NamedTuple):
    """The server has nothing more up to `lsn`."""

    lsn: int
    wants_reply: bool


def parse_lsn(text: str) -> int:
    """`0/16B3748` as a number."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def show_lsn(lsn: int) -> str:
    """As PostgreSQL writes it."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


class Link:
    """One replication session. Raises psycopg.OperationalError when it ends."""

    def __init__(self, conn: abc.PGconn) -> None:
        self._conn = conn
        self._poll = select.poll()
        self._poll.register(conn.socket, select.POLLIN)

    @classmethod
    def open(cls) -> "Link":
        """Connect to Django's database. Blocks for some seconds at most."""
        known = connection.get_connection_params()
        params = {key: known[key] for key in _LIBPQ if known.get(key)} | _OURS
        conn = pq.PGconn.connect(make_conninfo("", **params).encode())
        if conn.status != pq.ConnStatus.OK:
            raise psycopg.OperationalError(conn.get_error_message())
        return cls(conn)

    def start(self, *, slot: str, publication: str, lsn: int) -> None:
        """Begin with the commit that stands at `lsn`, or where the slot stands if that is later."""
        self._conn.send_query(
            f'START_REPLICATION SLOT "{slot}" LOGICAL {show_lsn(lsn)}'
            f" (\"proto_version\" '1', \"publication_names\" '{publication}')".encode()
        )
        result = self._conn.get_result()
        if result is None or result.status != pq.ExecStatus.COPY_BOTH:
            raise _failure(result, self._conn)
        self._conn.nonblocking = 1

    def messages(self, *, wait_s: float) -> Iterator[Data | Alive]:
        """What is there now, MOST at once; when nothing is, what comes within `wait_s`."""
        deadline = time.monotonic() + wait_s
        count = 0
        while count < MOST:
            size, data = self._conn.get_copy_data(1)
            if size > 0:
                count += 1
                yield _parsed(bytes(data))
            elif size < 0:
                raise _failure(self._conn.get_result(), self._conn)
            elif not self._has_come(0.0 if count else deadline - time.monotonic()):
                return

    def confirm(self, lsn: int, *, received: int) -> None:
        """Everything up to `lsn` is safe: the server may forget it."""
        now = int(time.time() * 1_000_000) - EPOCH_US
        self._conn.put_copy_data(_FEEDBACK.pack(b"r", received, lsn, lsn, now, 0))
        self._conn.flush()

    def close(self) -> None:
        self._conn.finish()

    def _has_come(self, wait_s: float) -> bool:
        if self._poll.poll(max(0.0, wait_s) * 1000):
            self._conn.consume_input()
            return True
        return False


def _parsed(data: bytes) -> Data | Alive:
    if data[0] == _IS_DATA:
        (lsn,) = _PLACE.unpack_from(data, 1)
        return Data(lsn, data[_DATA_AT:])
    lsn, _, wants_reply = _KEEPALIVE.unpack_from(data, 1)
    return Alive(lsn, bool(wants_reply))


def _failure(result: abc.PGresult | None, conn: abc.PGconn) -> psycopg.Error:
    """What the server says, as the class of its SQLSTATE, so that callers can tell them apart."""
    if result is None:
        return psycopg.OperationalError(conn.get_error_message())
    state = result.error_field(pq.DiagnosticField.SQLSTATE)
    if not state:
        return psycopg.OperationalError(conn.get_error_message())
    text = (result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b"").decode()
    return psycopg.errors.lookup(state.decode())(text)
