"""HTTP as bytes on a socket, so that nothing tidies up what a test sends."""

import json
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from tests.patience import PATIENCE_S

# For httpx, which otherwise reads those of this machine for each call: 30 ms.
CERTIFICATES = ssl.create_default_context()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer as it came; `body` is without the coding of chunks."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_whole: bool = True

    @property
    def document(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.body)
        return loaded


class Wire:
    """A connection to a server on this machine."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, content: bytes) -> Self:
        self.socket.sendall(content)
        return self

    def get(self, path: str, *headers: str, method: str = "GET", body: bytes = b"") -> Answer:
        """One request with the headers that it needs, and its answer."""
        return self.send(request(path, *headers, method=method, body=body)).answer(
            bodyless=method == "HEAD"
        )

    def answer(self, *, bodyless: bool = False) -> Answer:
        """The next answer. Raises EOFError when the connection ended before its headers did."""
        head = self._until(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (li.partition(":") for li in lines)
        }
        status = int(first.split(" ")[1])
        body, is_whole = b"", True
        if not bodyless and status not in (204, 304):
            body, is_whole = self._body(headers)
        return Answer(status=status, headers=headers, body=body, is_whole=is_whole)

    def rest(self) -> bytes:
        """All bytes until the server closes; a reset counts as the end."""
        try:
            while True:
                self._more()
        except (EOFError, ConnectionResetError):
            content, self._rest = self._rest, b""
            return content

    def _body(self, headers: dict[str, str]) -> tuple[bytes, bool]:
        try:
            if headers.get("transfer-encoding") == "chunked":
                return self._chunks(), True
            return self._exactly(int(headers.get("content-length", 0))), True
        except (EOFError, ConnectionResetError):
            return self._rest, False

    def _chunks(self) -> bytes:
        content = b""
        while size := int(self._until(b"\r\n"), 16):
            content += self._exactly(size)
            self._until(b"\r\n")
        self._until(b"\r\n")
        return content

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._rest:
            self._more()
        found, _, self._rest = self._rest.partition(mark)
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._rest) < size:
            self._more()
        content, self._rest = self._rest[:size], self._rest[size:]
        return content

    def _more(self) -> None:
        received = self.socket.recv(65536)
        if not received:
            raise EOFError
        self._rest += received


def request(path: str, *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
    """A request as bytes, with Host, and Content-Length where there is a body."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def until(
    condition: Callable[[], object], *, timeout_s: float = PATIENCE_S, tick_s: float = 0.01
) -> None:
    """Wait until `condition` holds; fails when it never does."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(tick_s)  # the processor belongs to what is waited for
