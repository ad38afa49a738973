"""Answers that are given before Django or instead of it: problem documents (RFC 9457)."""

import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import uuid_utils.compat

from veza.kit.problems import PROBLEM_JSON, problem_bytes

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

CLOSE = (b"connection", b"close")
_REQUEST_ID = re.compile(rb"[\x20-\x7e]{1,64}")


class RefusalError(Exception):
    """The request ends with this answer. `closes` ends the connection too."""

    def __init__(
        self,
        *,
        status: int,
        code: str,
        detail: str,
        retry_after_s: int | None = None,
        closes: bool = False,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.closes = closes

    def body(self, *, path: str, request_id: str) -> bytes:
        """The problem document."""
        return problem_bytes(
            status=self.status,
            code=self.code,
            detail=self.detail,
            instance=path,
            request_id=request_id,
        )

    def headers(self, *, body: bytes, request_id: str) -> Headers:
        """The header fields that go with `body`."""
        headers = [
            (b"content-type", PROBLEM_JSON.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            (b"x-request-id", request_id.encode()),
        ]
        if self.retry_after_s is not None:
            headers.append((b"retry-after", b"%d" % self.retry_after_s))
        if self.closes:
            headers.append(CLOSE)
        return headers


def internal_error() -> RefusalError:
    """What a client learns about a failure of ours: that there was one."""
    return RefusalError(
        status=500,
        code="server_error",
        detail="Something went wrong on our side. Name the request id when you report it.",
    )


def stopping() -> RefusalError:
    """This process ends before the request did."""
    return RefusalError(
        status=503,
        code="server_stopping",
        detail="This server is stopping. Try again.",
        retry_after_s=1,
        closes=True,
    )


def request_id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The client's X-Request-ID if it is printable ASCII of 1 to 64 characters, else a new one."""
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value) and value.strip():
            return value.decode()
    return str(uuid_utils.compat.uuid7())


async def send_refusal(refusal: RefusalError, *, scope: Scope, send: Send, request_id: str) -> None:
    """Send the whole answer."""
    body = refusal.body(path=scope["path"], request_id=request_id)
    headers = refusal.headers(body=body, request_id=request_id)
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    is_head = scope["method"] == "HEAD"
    await send({"type": "http.response.body", "body": b"" if is_head else body})
