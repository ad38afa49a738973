"""uvicorn's WebSocket protocol with a Port, limits of ours, and no compression.

Once a socket is accepted, all that it is sent goes through its port, what the application passes
to `send()` too: so nothing overtakes, and nothing follows a close frame. There are thousands of
sockets: each keeps little, and leaves nothing behind that only the collector of garbage would find.
Written against uvicorn 0.54 (`websockets_sansio_impl`) and websockets 17.
"""

import asyncio
import logging
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.protocol import OPEN, Protocol

from veza.kit.asgi import lifecycle
from veza.kit.asgi.handshakes import Handshakes, refused
from veza.kit.asgi.inbox import Inbox
from veza.kit.asgi.port import EXTENSION, binary_frame, text_frame
from veza.kit.asgi.refusals import stopping
from veza.kit.asgi.transport_ports import CLOSE_TIMEOUT_S, SocketPort, close_soon

logger = logging.getLogger("uvicorn.error")

MAX_FRAME_BYTES = 64 * 1024
MAX_REASON_BYTES = 123  # RFC 6455 5.5


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One connection, from the upgrade on."""

    port: SocketPort
    scope: Any = None
    request: Any = None
    response: Any = None
    _is_served = False
    is_broken = False
    """The client sent what is no WebSocket frame, or too large a one: what follows is not read."""

    def __init__(self, *settings: Any, **named: Any) -> None:
        super().__init__(*settings, **named)
        self.conn.parser.close()  # it points to what is replaced here, which points to it
        self.conn: Handshakes = Handshakes(
            extensions=[], max_size=self.config.ws_max_size, logger=logger
        )
        self.queue: Any = Inbox(self.loop)

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.port = SocketPort(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.port.is_open = False
        super().connection_lost(exc)
        if not self._is_served:
            self._let_go()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.port.pause(is_paused=True)

    def resume_writing(self) -> None:
        super().resume_writing()
        self.port.pause(is_paused=False)

    def shutdown(self) -> None:
        """uvicorn would close all at once; where the application drains, it spreads them."""
        if not (lifecycle.is_drained() and self.port.is_open):
            self.port.is_open = False
            super().shutdown()

    def take_handshake(self, method: str, url: str, headers: list[tuple[bytes, bytes]]) -> None:
        """The request that asks for the upgrade, as it was read; it has no body."""
        fields = Headers([(name.decode(), value.decode("latin-1")) for name, value in headers])
        self.handle_connect(Request(url, fields, method))

    def handle_connect(self, event: Request) -> None:
        if lifecycle.is_stopping():
            self._refuse(event)
            return
        super().handle_connect(event)
        self.request = None
        if not self.close_sent:
            self.scope["extensions"][EXTENSION] = self.port
            self._is_served = True
            self._read_frames()

    def handle_close(self, event: Frame) -> None:
        """The client ends it, or answers our end."""
        self.port.is_open = False
        super().handle_close(event)
        self._see_off()

    def data_received(self, data: bytes) -> None:
        if not self.is_broken:
            super().data_received(data)

    def handle_parser_exception(self) -> None:
        """Say why and go on taking what comes, to no use, until the client has read it.

        A connection that is closed with bytes unread is reset, and the close frame lost with it.
        """
        self.port.is_open = False
        self.is_broken = True
        self.stop_keepalive()
        told = self.conn.close_sent
        code, reason = (told.code, told.reason) if told else (1006, "")
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if not told or self.transport.is_closing() or not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.write_eof()
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(CLOSE_TIMEOUT_S, self.transport.abort)
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    def keepalive_timeout(self) -> None:
        self.port.is_open = False
        super().keepalive_timeout()
        self._see_off()

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        """The application has returned."""
        super().on_task_complete(task)
        self.port.is_open = False
        self._see_off()
        self._is_served = False
        if self.disconnected:
            self._let_go()

    async def receive(self) -> Any:
        while self.queue.empty():
            await self.queue.arrival()
        message = self.queue.take()
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            self.transport.resume_reading()
        return message

    async def send(self, message: Any) -> None:
        kind = message["type"]
        if not self.handshake_complete or self.initial_response is not None:
            await super().send(message)
            if kind == "websocket.accept" and self.handshake_complete:
                self.response = self.scope = None
                del self.conn.asked
                self.port.open()
            if self.initial_response is not None and self.close_sent:
                self.handshake_complete = True  # refused is answered: no error of the application
        elif not self.port.is_open:
            if kind != "websocket.close":
                raise ClientDisconnected
        elif kind == "websocket.close":
            self.port.close(code=message.get("code", 1000), reason=message.get("reason") or "")
        elif message.get("bytes") is not None:
            self.port.write(binary_frame(message["bytes"]))
        else:
            self.port.write(text_frame(message["text"].encode()))

    def send_close(self, code: int, reason: str, *, timeout_s: float) -> None:
        """The last frame that the client gets; cut the connection if it does not answer in time."""
        self.stop_keepalive()
        if self.close_sent or self.transport.is_closing() or self.conn.state is not OPEN:
            return
        reason = reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(timeout_s, self.transport.abort)

    def _read_frames(self) -> None:
        """The parser that has read the handshake would keep it for as long as it reads frames.

        uvicorn hands over the handshake alone, so nothing of a frame was read yet.
        """
        self.conn.parser.close()
        self.conn.parser = Protocol.parse(self.conn)
        next(self.conn.parser)

    def _let_go(self) -> None:
        """The client has gone and the application has returned: end what points in circles."""
        self.conn.parser.close()
        self.port.release()
        self.scope = None  # it has the port

    def _see_off(self) -> None:
        """A client that does not take what it was sent would otherwise hold the connection."""
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            close_soon(self.transport, loop=self.loop, timeout_s=CLOSE_TIMEOUT_S)

    def _refuse(self, event: Request) -> None:
        """503 as a problem document."""
        self.handshake_initiated = self.handshake_complete = self.close_sent = True
        self.conn.send_response(refused(event, stopping()))
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()
