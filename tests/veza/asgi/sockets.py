"""WebSockets as bytes, so that a test sees each frame and may break each rule."""

import os
import socket
import struct
from dataclasses import dataclass
from typing import Self

from tests.patience import PATIENCE_S
from tests.veza.asgi.wire import Wire

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


@dataclass(frozen=True)
class Received:
    """One frame of the server."""

    opcode: int
    payload: bytes

    @property
    def code(self) -> int:
        """Of a close frame."""
        return int(struct.unpack("!H", self.payload[:2])[0])

    @property
    def reason(self) -> str:
        return self.payload[2:].decode()


class RawSocket(Wire):
    """A WebSocket client that does nothing by itself."""

    def __init__(self, port: int, path: str = "/", *headers: str, receive_bytes: int = 0) -> None:
        super().__init__(port)
        if receive_bytes:
            self.socket.close()
            self.socket = socket.socket()
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
            self.socket.settimeout(PATIENCE_S)
            self.socket.connect(("127.0.0.1", port))
        lines = [
            f"GET {path} HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", *headers,
        ]  # fmt: skip
        self.send("\r\n".join([*lines, "", ""]).encode())

    def opened(self) -> Self:
        """After the handshake, which must succeed."""
        head = self._until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        self.head = head.decode("latin-1").lower()
        return self

    def frame(self) -> Received:
        """The next frame. Raises EOFError when there is none."""
        first, size = self._exactly(2)
        if size == 126:
            size = int.from_bytes(self._exactly(2), "big")
        elif size == 127:
            size = int.from_bytes(self._exactly(8), "big")
        return Received(first & 0x0F, self._exactly(size))

    def say(self, payload: bytes | str, opcode: int = TEXT, *, fin: bool = True) -> Self:
        """Send one masked frame."""
        content = payload.encode() if isinstance(payload, str) else payload
        mask = os.urandom(4)
        size = len(content)
        if size < 126:
            head = bytes([size | 0x80])
        elif size < 65536:
            head = bytes([126 | 0x80]) + size.to_bytes(2, "big")
        else:
            head = bytes([127 | 0x80]) + size.to_bytes(8, "big")
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(content))
        self.send(bytes([opcode | (0x80 if fin else 0)]) + head + mask + masked)
        return self
