"""The whole body of a request, before a thread is taken for it."""

import asyncio
import tempfile
from dataclasses import dataclass
from io import BytesIO
from typing import IO

from veza.kit.asgi.refusals import Receive, RefusalError, Scope

DISCARDED_BYTES = 64 * 1024**2
DISCARD_TIMEOUT_S = 5.0


class ClientGoneError(Exception):
    """Nobody is left to answer."""


@dataclass(frozen=True, kw_only=True)
class Body:
    """A body that has arrived to its end; `file` stands at its beginning."""

    file: IO[bytes]
    size: int


@dataclass(kw_only=True)
class BodyReader:
    """Reads bodies of up to `limit` bytes: `in_memory` bytes of each, and `budget` bytes of all
    that are being read, are kept in memory, the rest in temporary files.
    """

    limit: int
    in_memory: int = 1024**2
    budget: int = 64 * 1024**2

    async def read(self, receive: Receive, *, scope: Scope, declared: str | None) -> Body:
        """The body; `declared` is the client's Content-Length.

        Raises RefusalError (413) and ClientGoneError.
        """
        if declared is not None and _number(declared) > self.limit:
            raise await self._too_large(receive, expects_continue=_expects_continue(scope))
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        if not message.get("more_body"):
            return self._in_one_piece(message.get("body", b""))
        return await self._in_pieces(receive, first=message.get("body", b""))

    def _in_one_piece(self, content: bytes) -> Body:
        if len(content) > self.limit:
            raise _refusal(closes=False)
        return Body(file=BytesIO(content), size=len(content))

    async def _in_pieces(self, receive: Receive, *, first: bytes) -> Body:
        spool = _Spool(self)
        try:
            await self._fill(spool, receive, first=first)
        except BaseException:
            spool.file.close()
            raise
        finally:
            spool.give_back()
        spool.file.seek(0)
        return Body(file=spool.file, size=spool.size)

    async def _fill(self, spool: "_Spool", receive: Receive, *, first: bytes) -> None:
        await spool.write(first)
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            piece: bytes = message.get("body", b"")
            more = message.get("more_body", False)
            if spool.size + len(piece) > self.limit:
                raise await self._too_large(receive) if more else _refusal(closes=False)
            await spool.write(piece)

    async def _too_large(self, receive: Receive, *, expects_continue: bool = False) -> RefusalError:
        """Most clients read the answer only when they have sent all: let them, within reason."""
        if expects_continue:
            return _refusal(closes=True)
        try:
            async with asyncio.timeout(DISCARD_TIMEOUT_S):
                return _refusal(closes=not await _discard(receive))
        except TimeoutError:
            return _refusal(closes=True)


class _Spool:
    """A file in memory that moves to disk when it, or all of them together, grow too large."""

    def __init__(self, reader: BodyReader) -> None:
        self.size = 0
        self.file: IO[bytes] = BytesIO()
        self._reader = reader
        self._held = 0

    async def write(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if isinstance(self.file, BytesIO):
            if self.size <= self._reader.in_memory and len(chunk) <= self._reader.budget:
                self._reader.budget -= len(chunk)
                self._held += len(chunk)
                self.file.write(chunk)
                return
            await asyncio.to_thread(self._move_to_disk)
        await asyncio.to_thread(self.file.write, chunk)

    def _move_to_disk(self) -> None:
        on_disk = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the reader of the body
        on_disk.write(self.file.getbuffer() if isinstance(self.file, BytesIO) else b"")
        self.file = on_disk

    def give_back(self) -> None:
        self._reader.budget += self._held


async def _discard(receive: Receive) -> bool:
    """True if the body came to its end."""
    left = DISCARDED_BYTES
    while left > 0:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        if not message.get("more_body"):
            return True
        left -= len(message.get("body", b""))
    return False


def _refusal(*, closes: bool) -> RefusalError:
    return RefusalError(
        status=413,
        code="body_too_large",
        detail="The body is larger than this server takes.",
        closes=closes,
    )


def _expects_continue(scope: Scope) -> bool:
    return any(
        name == b"expect" and value.lower() == b"100-continue" for name, value in scope["headers"]
    )


def _number(declared: str) -> int:
    if not (declared.isascii() and declared.isdigit()):
        raise RefusalError(
            status=400,
            code="malformed_request",
            detail="Content-Length is a number of bytes.",
            closes=True,
        )
    return int(declared[:20])
