"""Ports that write to the transport of uvicorn's protocols (veza.kit.asgi.port says what they do).

The kernel's send buffer is made small, since what hides there is no longer ours to count: left
alone it grows to 2.8 MB for each client that does not read.
"""

import asyncio
import socket
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from veza.kit import metrics
from veza.kit.asgi.port import LAST_CHUNK, SOCKET_BUDGET_BYTES, STREAM_BUDGET_BYTES

if TYPE_CHECKING:
    from veza.kit.asgi.protocols import HttpProtocol
    from veza.kit.asgi.socket_protocol import WebSocketProtocol

KERNEL_BYTES = 128 * 1024
CLOSE_TIMEOUT_S = 10.0
SLOW_CLOSE_TIMEOUT_S = 5.0
SLOW_CODE = 3008


class SocketPort:
    """The port of a WebSocket."""

    __slots__ = ("_is_open", "_is_paused", "_protocol", "_transport", "direct", "on_turn")

    def __init__(self, protocol: "WebSocketProtocol") -> None:
        self._protocol = protocol
        self._transport = protocol.transport
        self._is_open = False
        self._is_paused = False
        self.direct: Callable[[bytes], None] = _nowhere
        self.on_turn: Callable[[], None] | None = None

    @property
    def is_open(self) -> bool:
        return self._is_open

    @is_open.setter
    def is_open(self, value: bool) -> None:
        self._is_open = value
        self._turn()
        if not value:
            self.on_turn = None

    @property
    def buffered(self) -> int:
        return self._transport.get_write_buffer_size()

    def open(self) -> None:
        """The handshake has been answered."""
        self.is_open = True
        _limit_kernel_buffer(self._transport)

    def pause(self, *, is_paused: bool) -> None:
        """The transport holds much, or little again."""
        self._is_paused = is_paused
        self._turn()
        if is_paused:  # by a write that is not over yet
            self._protocol.loop.call_soon(self._drop_if_slow)

    def write(self, data: bytes) -> None:
        self.direct(data)

    def close(self, *, code: int = 1000, reason: str = "") -> None:
        self._close(code, reason, timeout_s=CLOSE_TIMEOUT_S)

    def abort(self) -> None:
        self.is_open = False
        self._transport.abort()

    def stop_pings(self) -> None:
        self._protocol.ping_interval = None
        self._protocol.stop_keepalive()

    def release(self) -> None:
        """The connection is over: nothing is asked of it any more."""
        self.is_open = False
        del self._protocol

    def _turn(self) -> None:
        if not self._is_open:
            self.direct = _nowhere
        elif self._is_paused:
            self.direct = self._write_paused
        else:
            self.direct = self._transport.write
        if self.on_turn is not None:
            self.on_turn()

    def _write_paused(self, data: bytes) -> None:
        self._transport.write(data)
        self._drop_if_slow()

    def _drop_if_slow(self) -> None:
        if self._is_open and self._transport.get_write_buffer_size() > SOCKET_BUDGET_BYTES:
            metrics.REALTIME_DROPPED.labels("slow").inc()
            self._close(SLOW_CODE, "slow", timeout_s=SLOW_CLOSE_TIMEOUT_S)

    def _close(self, code: int, reason: str, *, timeout_s: float) -> None:
        if self._is_open:
            self.is_open = False
            self._protocol.send_close(code, reason, timeout_s=timeout_s)


class StreamPort:
    """The port of one answer in chunks; it opens when the answer has begun."""

    __slots__ = ("_cycle", "_has_begun", "_is_open", "_protocol", "_transport", "direct", "on_turn")

    def __init__(self, protocol: "HttpProtocol") -> None:
        self._protocol = protocol
        self._transport = protocol.transport
        self._has_begun = False
        self._is_open = True
        self._cycle: Callable[[], Any] = _nothing
        self.direct: Callable[[bytes], None] = self._write_first
        self.on_turn: Callable[[], None] | None = None

    @property
    def is_open(self) -> bool:
        return self._is_open

    @is_open.setter
    def is_open(self, value: bool) -> None:
        self._is_open = value
        self._turn()
        if not value:
            self.on_turn = None

    @property
    def cycle(self) -> Any:
        """uvicorn's request and answer, which last as long as the application answers."""
        return self._cycle()

    @cycle.setter
    def cycle(self, value: Any) -> None:
        self._cycle = weakref.ref(value)  # its scope has this port

    @property
    def buffered(self) -> int:
        return self._transport.get_write_buffer_size()

    def pause(self, *, is_paused: bool) -> None:
        """The transport holds much, or little again."""
        self._turn()
        if is_paused and self._has_begun:
            self._protocol.loop.call_soon(self._cut_if_slow)

    def write(self, data: bytes) -> None:
        self.direct(data)

    def close(self, *, code: int = 1000, reason: str = "") -> None:
        if not self._is_open:
            return
        if not self._has_begun:
            self._begin()
        self.is_open = False
        self._transport.write(LAST_CHUNK)
        self.cycle.response_complete = True
        self.cycle.message_event.set()
        close_soon(self._transport, loop=self._protocol.loop)

    def abort(self) -> None:
        self.is_open = False
        self._transport.abort()

    def stop_pings(self) -> None:
        return

    def unread(self) -> tuple[bytes, bool]:
        """What of the request's body had arrived when the client went and was not received by
        then, and whether it came to its end.
        """
        content, self.cycle.body = bytes(self.cycle.body), bytearray()
        return content, not self.cycle.more_body

    def _turn(self) -> None:
        if not self._is_open:
            self.direct = _nowhere
        elif not self._has_begun:
            self.direct = self._write_first
        elif self._protocol.flow.write_paused:
            self.direct = self._write_paused
        else:
            self.direct = self._transport.write
        if self.on_turn is not None:
            self.on_turn()

    def _write_first(self, data: bytes) -> None:
        self._begin()
        self._turn()
        self.direct(data)

    def _write_paused(self, data: bytes) -> None:
        self._transport.write(data)
        self._protocol.has_written(len(data))
        self._cut_if_slow()

    def _cut_if_slow(self) -> None:
        if self._is_open and self._transport.get_write_buffer_size() > STREAM_BUDGET_BYTES:
            metrics.REALTIME_DROPPED.labels("slow").inc()
            self.abort()

    def _begin(self) -> None:
        if not (self.cycle.response_started and self.cycle.chunked_encoding):
            raise RuntimeError("Send http.response.start without a length before the first write.")
        self._has_begun = True
        _limit_kernel_buffer(self._transport)


def _nowhere(data: bytes) -> None:
    """What is written to a port that is not open."""


def _nothing() -> None:
    """What a port answers before there is anything."""


def close_soon(
    transport: asyncio.Transport,
    *,
    loop: asyncio.AbstractEventLoop,
    timeout_s: float = CLOSE_TIMEOUT_S,
) -> None:
    """Close when all is written; cut when that takes longer than the time."""
    transport.close()
    if transport.get_write_buffer_size():
        loop.call_later(timeout_s, transport.abort)


def _limit_kernel_buffer(transport: asyncio.Transport) -> None:
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
