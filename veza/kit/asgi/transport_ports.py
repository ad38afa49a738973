"""Ports that write to the transport of uvicorn's protocols (veza.kit.asgi.port says what they do).

The kernel's send buffer is made small, since what hides there is no longer ours to count: left
alone it grows to 2.8 MB for each client that does not read.
"""

import asyncio
import socket
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

    __slots__ = ("_protocol", "_transport", "is_open", "is_paused")

    def __init__(self, protocol: "WebSocketProtocol") -> None:
        self._protocol = protocol
        self._transport = protocol.transport
        self.is_open = False
        self.is_paused = False

    @property
    def buffered(self) -> int:
        return self._transport.get_write_buffer_size()

    def open(self) -> None:
        """The handshake has been answered."""
        self.is_open = True
        _limit_kernel_buffer(self._transport)

    def write(self, data: bytes) -> None:
        if self.is_open:
            self._transport.write(data)
            if self.is_paused and self._transport.get_write_buffer_size() > SOCKET_BUDGET_BYTES:
                metrics.REALTIME_DROPPED.labels("slow").inc()
                self._close(SLOW_CODE, "slow", timeout_s=SLOW_CLOSE_TIMEOUT_S)

    def close(self, *, code: int = 1000, reason: str = "") -> None:
        self._close(code, reason, timeout_s=CLOSE_TIMEOUT_S)

    def abort(self) -> None:
        self.is_open = False
        self._transport.abort()

    def stop_pings(self) -> None:
        self._protocol.ping_interval = None
        self._protocol.stop_keepalive()

    def _close(self, code: int, reason: str, *, timeout_s: float) -> None:
        if self.is_open:
            self.is_open = False
            self._protocol.send_close(code, reason, timeout_s=timeout_s)


class StreamPort:
    """The port of one answer in chunks; it opens when the answer has begun."""

    __slots__ = ("_has_begun", "_protocol", "_transport", "cycle", "is_open")

    def __init__(self, protocol: "HttpProtocol") -> None:
        self._protocol = protocol
        self._transport = protocol.transport
        self._has_begun = False
        self.cycle: Any = None
        self.is_open = True

    @property
    def buffered(self) -> int:
        return self._transport.get_write_buffer_size()

    def write(self, data: bytes) -> None:
        if not self.is_open:
            return
        if not self._has_begun:
            self._begin()
        self._transport.write(data)
        if self._protocol.flow.write_paused:
            self._protocol.has_written(len(data))
            if self._transport.get_write_buffer_size() > STREAM_BUDGET_BYTES:
                metrics.REALTIME_DROPPED.labels("slow").inc()
                self.abort()

    def close(self, *, code: int = 1000, reason: str = "") -> None:
        if not self.is_open:
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

    def _begin(self) -> None:
        if not (self.cycle.response_started and self.cycle.chunked_encoding):
            raise RuntimeError("Send http.response.start without a length before the first write.")
        self._has_begun = True
        _limit_kernel_buffer(self._transport)


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
