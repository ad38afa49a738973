"""The tus protocol as bytes on a socket, so that a test can end anything anywhere."""

import base64
import hashlib
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass

from tests.apps.realtime.live import Account
from tests.veza.asgi.wire import Answer, Wire, request

PATH = "/api/v1/uploads"
BYTES = "Content-Type: application/offset+octet-stream"
VERSION = "Tus-Resumable: 1.0.0"


@dataclass(frozen=True, kw_only=True)
class Tus:
    """Somebody who uploads to the server on `port`."""

    port: int
    account: Account

    @property
    def headers(self) -> tuple[str, str]:
        return VERSION, f"Authorization: Bearer {self.account.access}"

    def ask(self, method: str, path: str, *headers: str, body: bytes = b"") -> Answer:
        """One request on a connection of its own."""
        with Wire(self.port) as wire:
            return wire.get(path, *self.headers, *headers, method=method, body=body)

    def create(self, size: int, *headers: str, body: bytes = b"") -> str:
        """The path of a new upload."""
        answer = self.ask("POST", PATH, f"Upload-Length: {size}", *headers, body=body)
        assert answer.status == 201, answer
        return answer.headers["location"]

    def offset(self, path: str) -> int:
        """What is stored of it, as HEAD says."""
        answer = self.ask("HEAD", path)
        assert answer.status == 200, answer
        return int(answer.headers["upload-offset"])

    def patch(self, path: str, offset: int, body: bytes, *headers: str) -> Answer:
        """Append the bytes."""
        return self.ask("PATCH", path, BYTES, f"Upload-Offset: {offset}", *headers, body=body)

    def start(self, path: str, offset: int, *, announced: int, sent: bytes = b"") -> Wire:
        """A PATCH of which so much is sent for now."""
        head = request(
            path, *self.headers, BYTES, f"Upload-Offset: {offset}",
            f"Content-Length: {announced}", method="PATCH",
        )  # fmt: skip
        return Wire(self.port).send(head + sent)


def reset(wire: Wire) -> None:
    """End the connection by RST."""
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.socket.close()


def send_what_goes(wire: Wire, content: bytes) -> None:
    """Send until the other side ends."""
    with suppress(OSError):
        wire.send(content)


def metadata(**values: str) -> str:
    """The header."""
    pairs = [f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items()]
    return f"Upload-Metadata: {','.join(pairs)}"


def checksum(content: bytes, algorithm: str = "sha256") -> str:
    """The header."""
    digest = hashlib.new(algorithm, content).digest()
    return f"Upload-Checksum: {algorithm} {base64.b64encode(digest).decode()}"
