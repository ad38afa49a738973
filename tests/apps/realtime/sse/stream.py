"""A client of event streams that shows what came, line by line, and forgives nothing."""

import json
import re
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from tests.patience import PATIENCE_S

FIELD = re.compile(r"(id|event|data|retry): ?(.*)")


@dataclass(frozen=True, kw_only=True)
class Event:
    """The fields of one block of lines; None where a field did not come."""

    id: str | None = None
    event: str | None = None
    data: str | None = None
    retry: str | None = None
    is_comment: bool = False

    @property
    def json(self) -> Any:
        return json.loads(self.data or "")


CONNECTED = Event(data="connected")
DISCONNECTED = Event(data="disconnected")


class Stream:
    """One request; a stream if it was answered with 200, else `problem` is the document."""

    def __init__(
        self,
        port: int,
        path: str = "/api/v1/events/watch",
        *,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        receive_bytes: int | None = None,
        **query: str,  # the fields of the query
    ) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        if receive_bytes is not None:
            self._connection.sock = _small_socket(port, receive_bytes)
        address = f"{path}?{urlencode(query)}" if query else path
        self._connection.request(method, address, headers=dict(headers or {}))
        self.response: HTTPResponse = self._connection.getresponse()
        self.status = self.response.status
        self.headers = self.response.headers

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Go away, as a closed tab does."""
        self.response.close()
        self._connection.close()

    @property
    def problem(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.response.read())
        return document

    def next(self) -> Event:
        """The next block, comments included. Raises EOFError at the end of the answer."""
        lines = []
        while line := self._line():
            lines.append(line)
        return _parse(lines)

    def event(self) -> Event:
        """The next one that is no comment."""
        deadline = time.monotonic() + PATIENCE_S
        while (event := self.next()).is_comment:
            assert time.monotonic() < deadline, "nothing but comments came"
        return event

    def events(self, count: int) -> list[Event]:
        """So many."""
        return [self.event() for _ in range(count)]

    def facts(self, count: int) -> list[str]:
        """The ids of so many facts."""
        return [event.id or "" for event in self.events(count)]

    def rest(self) -> list[Event]:
        """All that still comes before the server ends the stream."""
        return list(self._rest())

    def _rest(self) -> Iterator[Event]:
        while True:
            try:
                yield self.event()
            except EOFError:
                return

    def _line(self) -> str:
        try:
            line = self.response.readline()
        except (IncompleteRead, ConnectionResetError):
            raise EOFError from None
        if not line:
            raise EOFError
        assert line.endswith(b"\n"), line
        assert b"\r" not in line
        return line.decode().removesuffix("\n")


def handed_out(port: int) -> int:
    """The position up to which this process has handed out the log."""
    with Stream(port, last_event_id="none") as stream:
        assert stream.next() == CONNECTED
        return int(stream.event().json["position"])


def _parse(lines: list[str]) -> Event:
    if lines == [":"]:
        return Event(is_comment=True)
    fields: dict[str, str] = {}
    for line in lines:
        match = FIELD.fullmatch(line)
        assert match, line
        assert match[1] not in fields, f"{match[1]} stands twice in {lines}"
        fields[match[1]] = match[2]
    assert fields, "an empty block"
    return Event(**fields)  # type: ignore[arg-type] # all of them are text


def _small_socket(port: int, receive_bytes: int) -> socket.socket:
    """The window that a client offers is set before it connects."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    connection.settimeout(PATIENCE_S)
    connection.connect(("127.0.0.1", port))
    return connection
