"""uvicorn's WebSocket protocol with a Port, limits of ours, and no compression.

Once a socket is accepted, all that it is sent goes through its port, what the application passes
to `send()` too: so nothing overtakes, and nothing follows a close frame. Written against
uvicorn 0.54 (`websockets_sansio_impl`).
"""

from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.frames import Frame
from websockets.http11 import Request, Response
from websockets.protocol import OPEN

from veza.kit.asgi import lifecycle
from veza.kit.asgi.port import EXTENSION, binary_frame, text_frame
from veza.kit.asgi.refusals import request_id_of, stopping
from veza.kit.asgi.transport_ports import CLOSE_TIMEOUT_S, SocketPort, close_soon

MAX_FRAME_BYTES = 64 * 1024
MAX_REASON_BYTES = 123  # RFC 6455 5.5


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One connection, from the upgrade on."""

    port: SocketPort
    is_broken = False
    """The client sent what is no WebSocket frame, or too large a one: what follows is not read."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.port = SocketPort(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.port.is_open = False
        super().connection_lost(exc)

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

    def handle_connect(self, event: Request) -> None:
        if lifecycle.is_stopping():
            self._refuse(event)
            return
        super().handle_connect(event)
        if not self.close_sent:
            extensions: Any = self.scope["extensions"]
            extensions[EXTENSION] = self.port

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

    async def run_asgi(self) -> None:
        try:
            await super().run_asgi()
        finally:
            self.port.is_open = False
            self._see_off()

    async def send(self, message: Any) -> None:
        kind = message["type"]
        if not self.handshake_complete or self.initial_response is not None:
            await super().send(message)
            if kind == "websocket.accept" and self.handshake_complete:
                self.port.open()
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

    def _see_off(self) -> None:
        """A client that does not take what it was sent would otherwise hold the connection."""
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            close_soon(self.transport, loop=self.loop, timeout_s=CLOSE_TIMEOUT_S)

    def _refuse(self, event: Request) -> None:
        """503 as a problem document."""
        fields = [(name.encode(), value.encode()) for name, value in event.headers.raw_items()]
        request_id = request_id_of(fields)
        refusal = stopping()
        body = refusal.body(path=event.path.partition("?")[0], request_id=request_id)
        headers = Headers(
            (name.decode(), value.decode())
            for name, value in refusal.headers(body=body, request_id=request_id)
        )
        self.handshake_initiated = self.handshake_complete = self.close_sent = True
        self.conn.send_response(Response(refusal.status, "Service Unavailable", headers, body))
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()
