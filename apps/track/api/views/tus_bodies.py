"""From the body of a request into an upload: whatever arrives is kept, however the request ends."""

import asyncio
import logging
from typing import Any
from uuid import UUID

from apps.track.api.views.tus_sessions import Session, sessions
from apps.track.api.views.tus_shelves import Shelf
from apps.track.api.views.tus_threads import in_thread
from apps.track.errors.uploads import UploadExceededError
from apps.track.models import Upload
from apps.track.services.writers import Hold, let_go
from apps.track.services.writing import Checksum, Writing
from veza.kit.asgi.port import EXTENSION
from veza.kit.asgi.refusals import Receive, RefusalError, Scope
from veza.kit.metrics import UPLOAD_BYTES, UPLOAD_REQUESTS, UPLOADS_FINISHED

WRITE_BYTES = 1024**2
"""Pieces are gathered so far before a thread is asked to write them."""
SETTLE_BYTES = 64 * 1024**2
SETTLE_S = 1.0
SILENCE_S = 60.0
"""A client that sends nothing for so long is not waited for, even if nobody else wants to write."""
logger = logging.getLogger(__name__)


class ClientGoneError(Exception):
    """Nobody is left to answer."""


async def write_body(
    scope: Scope,
    receive: Receive,
    *,
    hold: Hold,
    checksum: Checksum | None,
    session_id: UUID,
) -> Upload:
    """Write the body to the upload, and let go of the right to do so; the upload afterwards.

    Raises ClientGoneError, UploadChecksumError, UploadExceededError, UploadInterruptedError,
    RefusalError, and what the storage and the database raise.
    """
    session = Session(hold.writer, session_id=session_id)
    sessions().add(session)
    outcome = "failed"
    try:
        writing = await in_thread(Writing, hold=hold, checksum=checksum)
        try:
            outcome = await _Pump(scope, receive, session, writing).run()
            if outcome == "gone":
                raise ClientGoneError
            return await _after(writing)
        finally:
            UPLOAD_BYTES.inc(writing.offset_bytes - hold.staged.offset_bytes)
            await in_thread(writing.close)
    except Exception as exc:
        outcome = getattr(exc, "code", outcome)
        raise
    finally:
        UPLOAD_REQUESTS.labels(outcome).inc()
        sessions().discard(session)
        await in_thread(let_go, upload_id=hold.row.id, writer=hold.writer)


async def _after(writing: Writing) -> Upload:
    row = writing.hold.row
    if writing.offset_bytes < row.size_bytes:
        row.offset_bytes = writing.offset_bytes
        return row
    finished = await in_thread(writing.finish)
    UPLOADS_FINISHED.inc()
    return finished


class _Pump:
    """Reads pieces while a thread writes those before, so that a fast client waits for a slow disk,
    and a fast disk does not wait for the client.
    """

    def __init__(self, scope: Scope, receive: Receive, session: Session, writing: Writing) -> None:
        self._scope = scope
        self._receive = receive
        self._session = session
        self._writing = writing
        self._shelf = Shelf(writing)
        self._loop = asyncio.get_running_loop()
        self._settled_at = self._heard_at = self._loop.time()
        self._position = self._settled_position = writing.position

    async def run(self) -> str:
        """How the request ended: `whole`, or `gone` with its client. Keeps what has arrived."""
        try:
            outcome = await self._read()
        except UploadExceededError:
            await self._shelf.rest()
            raise
        except BaseException:
            await self._shelf.end(is_whole=False)
            raise
        await self._shelf.end(is_whole=outcome == "whole")
        return outcome

    async def _read(self) -> str:
        reading: asyncio.Future[Any] | None = None
        try:
            while True:
                reading = reading or asyncio.ensure_future(self._receive())
                if not await self._has_come(reading):
                    continue
                message, reading = reading.result(), None
                if message["type"] == "http.disconnect":
                    return await self._rest()
                await self._take(message.get("body", b""))
                if not message.get("more_body"):
                    return "whole"
        finally:
            if reading is not None:
                reading.cancel()

    async def _has_come(self, reading: "asyncio.Future[Any]") -> bool:
        """Wait for the next piece; meanwhile what has arrived is settled now and then."""
        if not reading.done():
            self._session.wait()
            waited: set[asyncio.Future[Any]] = {reading, self._session.stopped}
            await asyncio.wait(waited, timeout=SETTLE_S, return_when=asyncio.FIRST_COMPLETED)
        if self._session.stopped.done():
            raise self._session.stopped.result()
        if reading.done():
            self._session.work()
            self._heard_at = self._loop.time()
            return True
        if self._loop.time() - self._heard_at > SILENCE_S:
            raise _silent()
        await self._settle_if_due()
        return False

    async def _take(self, content: bytes) -> None:
        if not content:
            return
        if self._position + len(content) > self._writing.hold.row.size_bytes:
            raise UploadExceededError
        self._position += len(content)
        self._shelf.add(content)
        if not await self._settle_if_due() and self._shelf.size_bytes >= WRITE_BYTES:
            await self._shelf.write(settles=False)

    async def _settle_if_due(self) -> bool:
        waiting = self._position - self._settled_position
        is_late = self._loop.time() - self._settled_at >= SETTLE_S
        is_due = bool(waiting) and (waiting >= SETTLE_BYTES or is_late)
        if is_due:
            await self._shelf.write(settles=True)
            self._settled_position = self._position
            self._settled_at = self._loop.time()
        return is_due

    async def _rest(self) -> str:
        """What the server had read for us before it knew that the client has gone."""
        port = (self._scope.get("extensions") or {}).get(EXTENSION)
        content, is_whole = port.unread() if port is not None else (b"", False)
        await self._take(content)
        return "whole" if is_whole else "gone"


def _silent() -> RefusalError:
    return RefusalError(
        status=408,
        code="request_timeout",
        detail=f"Nothing has arrived for {SILENCE_S:.0f} s. What came before is kept.",
        closes=True,
    )
