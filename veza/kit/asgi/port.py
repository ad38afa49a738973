"""Where the bytes of an accepted WebSocket or of a stream of events go.

A Port takes bytes that are complete for the socket, by a plain call that never waits, in the order
of the calls. Our own protocols (veza.kit.asgi.protocols) put one into
`scope["extensions"]["veza.port"]` that writes to the transport; `port_of` makes one over `send()`
under any other server.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from veza.kit.asgi.refusals import Message, Scope, Send

EXTENSION = "veza.port"
SOCKET_BUDGET_BYTES = 1024 * 1024
STREAM_BUDGET_BYTES = 256 * 1024
PRIVATE_CODES = 3000
STAND_IN = 3500
"""Added to a close code, such as 1009, that the server does not send: clients stop at the sum."""
LAST_CHUNK = b"0\r\n\r\n"


class Port(Protocol):
    """The way out of one connection. Open from the moment that the connection is accepted."""

    is_open: bool
    """False once it was closed from either side: what is written then goes nowhere."""
    direct: Callable[[bytes], None]
    """What `write` comes to at present, for who writes to many and keeps it: as a rule the write
    of the transport itself. It is another when the client does not keep up, and after the end.
    """
    on_turn: Callable[[], None] | None
    """Called as soon as `direct` is another."""

    @property
    def buffered(self) -> int:
        """Bytes that the client has not taken yet, as far as this process knows."""
        ...

    def write(self, data: bytes) -> None:
        """Send whole frames (`text_frame`, `binary_frame`) or a whole `http_chunk`.

        A client that leaves more than its budget lying is dropped: a socket is told 3008 and cut
        if it does not even take that, a stream is cut.
        """
        ...

    def close(self, *, code: int = 1000, reason: str = "") -> None:
        """WebSocket: send a close frame; stream: the last chunk. Nothing follows."""
        ...

    def abort(self) -> None:
        """Cut the connection at once."""
        ...

    def stop_pings(self) -> None:
        """Leave WebSocket pings to the application: the server sends no own ones from now on."""
        ...


def port_of(scope: Scope, send: Send) -> Port:
    """The connection's port. Call it once, before or after the connection is accepted."""
    port: Port | None = (scope.get("extensions") or {}).get(EXTENSION)
    return port if port is not None else SendPort(scope, send)


def text_frame(payload: bytes) -> bytes:
    """A WebSocket text message of a server (RFC 6455 5.2), `payload` in UTF-8."""
    return _frame(0x81, payload)


def binary_frame(payload: bytes) -> bytes:
    """A WebSocket binary message of a server."""
    return _frame(0x82, payload)


def http_chunk(payload: bytes) -> bytes:
    """A chunk of a body with `Transfer-Encoding: chunked` (RFC 9112 7.1); `payload` not empty."""
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def _frame(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:  # noqa: PLR2004 - RFC 6455 5.2
        return bytes((first, size)) + payload
    if size < 65536:  # noqa: PLR2004
        return bytes((first, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first, 127)) + size.to_bytes(8, "big") + payload


class SendPort:
    """A port over ASGI's `send`, for other servers: one task at a time sends what was written."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._is_socket = scope["type"] == "websocket"
        self._budget = SOCKET_BUDGET_BYTES if self._is_socket else STREAM_BUDGET_BYTES
        self._send = send
        self._waiting: deque[Message] = deque()
        self._task: asyncio.Task[None] | None = None
        self.is_open = True
        self.buffered = 0
        self.direct: Callable[[bytes], None] = self.write
        self.on_turn: Callable[[], None] | None = None

    def write(self, data: bytes) -> None:
        if not self.is_open:
            return
        if self.buffered + len(data) > self._budget:
            self._drop()
            return
        self.buffered += len(data)
        for message in _frames(data) if self._is_socket else _chunks(data):
            self._put(message)

    def close(self, *, code: int = 1000, reason: str = "") -> None:
        if not self.is_open:
            return
        self.is_open = False
        if self._is_socket:
            self._put({"type": "websocket.close", "code": code, "reason": reason})
        else:
            self._put({"type": "http.response.body", "body": b"", "more_body": False})

    def abort(self) -> None:
        self.is_open = False
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    def stop_pings(self) -> None:
        return

    def _drop(self) -> None:
        self._waiting.clear()
        self.buffered = 0
        self.close(code=3008, reason="slow")

    def _put(self, message: Message) -> None:
        self._waiting.append(message)
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._drain())

    async def _drain(self) -> None:
        try:
            while self._waiting:
                message = self._waiting.popleft()
                await self._send_one(message)
                self.buffered -= message.get("size", 0)
                if not self._waiting:
                    self.buffered = 0
        except Exception:  # noqa: BLE001, RUF100 - whatever a server says about a client that has gone
            self.is_open = False
            self._waiting.clear()

    async def _send_one(self, message: Message) -> None:
        """Daphne refuses to close with a code of the protocol's own, and says so by an error."""
        try:
            await self._send(message)
        except Exception:
            if message["type"] != "websocket.close" or message["code"] >= PRIVATE_CODES:
                raise
            await self._send({**message, "code": message["code"] + STAND_IN})


def _frames(data: bytes) -> list[Message]:
    """Our own frames taken apart again: unmasked, in one piece each."""
    found: list[Message] = []
    at = 0
    while at < len(data):
        size, head = data[at + 1], 2
        if size == 126:  # noqa: PLR2004
            size, head = int.from_bytes(data[at + 2 : at + 4], "big"), 4
        elif size == 127:  # noqa: PLR2004
            size, head = int.from_bytes(data[at + 2 : at + 10], "big"), 10
        payload = data[at + head : at + head + size]
        if data[at] & 0x0F == 1:
            found.append({"type": "websocket.send", "text": payload.decode()})
        else:
            found.append({"type": "websocket.send", "bytes": payload})
        at += head + size
    return found


def _chunks(data: bytes) -> list[Message]:
    found: list[Message] = []
    at = 0
    while at < len(data):
        end = data.index(b"\r\n", at)
        size = int(data[at:end], 16)
        body = data[end + 2 : end + 2 + size]
        if body:
            found.append({"type": "http.response.body", "body": body, "more_body": True})
        at = end + 2 + size + 2
    return found
