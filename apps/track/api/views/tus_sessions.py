"""Requests of this process that are writing, kept in their right by one beat for all."""

import asyncio
import logging
from uuid import UUID

from django.db import DatabaseError

from apps.auth.errors import TokenInvalidError
from apps.realtime.authentication import dead_sessions
from apps.track.api.views.tus_threads import in_beat_thread
from apps.track.errors.uploads import UploadInterruptedError
from apps.track.services.writers import renew_leases
from veza.kit.asgi import lifecycle
from veza.kit.asgi.refusals import stopping
from veza.kit.metrics import UPLOADS_OPEN

BEAT_S = 0.5
BEATS_A_CHECK = 6
IDLE_S = 1.0
"""A writer whose client has been silent for so long gives way to one that waits."""
logger = logging.getLogger(__name__)


class Session:
    """One request that writes. `stopped` becomes the reason why it has to end."""

    def __init__(self, writer: UUID, *, session_id: UUID) -> None:
        self.writer = writer
        self.session_id = str(session_id)
        self._loop = asyncio.get_running_loop()
        self.stopped: asyncio.Future[Exception] = self._loop.create_future()
        self._waits_since: float | None = None

    def wait(self) -> None:
        """It is the client's turn, as it may have been for a while."""
        if self._waits_since is None:
            self._waits_since = self._loop.time()

    def work(self) -> None:
        """Bytes have come."""
        self._waits_since = None

    @property
    def is_idle(self) -> bool:
        """Whether the client has been silent, and not we ourselves busy."""
        return self._waits_since is not None and self._loop.time() - self._waits_since >= IDLE_S

    def stop(self, reason: Exception) -> None:
        """A repeat is harmless."""
        if not self.stopped.done():
            self.stopped.set_result(reason)


class Sessions:
    """All of one loop. The beat runs while there are any."""

    def __init__(self) -> None:
        self._open: dict[UUID, Session] = {}
        self._beating: asyncio.Task[None] | None = None

    def add(self, session: Session) -> None:
        self._open[session.writer] = session
        UPLOADS_OPEN.inc()
        if self._beating is None or self._beating.done():
            self._beating = asyncio.create_task(self._beat())

    def discard(self, session: Session) -> None:
        if self._open.pop(session.writer, None) is not None:
            UPLOADS_OPEN.dec()

    async def _beat(self) -> None:
        beats = 0
        while self._open:
            await asyncio.sleep(BEAT_S)
            beats += 1
            if beats % BEATS_A_CHECK == 0:
                await self._end_revoked()
            if lifecycle.is_stopping():
                for session in self._open.values():
                    session.stop(stopping())
            asked = dict(self._open)
            try:
                live = await in_beat_thread(renew_leases, list(asked))
            except DatabaseError:  # who writes finds out by himself
                logger.warning("upload_leases_not_renewed", exc_info=True)
                continue
            for writer, session in asked.items():
                if writer not in live or (live[writer] and session.is_idle):
                    session.stop(UploadInterruptedError())

    async def _end_revoked(self) -> None:
        """Who was signed out, or whose token was revoked, uploads no further."""
        asked = list(self._open.values())
        dead = await dead_sessions({session.session_id for session in asked})
        for session in asked:
            if session.session_id in dead:
                session.stop(TokenInvalidError())


_sessions: dict[asyncio.AbstractEventLoop, Sessions] = {}


def sessions() -> Sessions:
    """Those of the running loop."""
    loop = asyncio.get_running_loop()
    found = _sessions.get(loop)
    if found is None:
        for old in [each for each in _sessions if each.is_closed()]:
            del _sessions[old]
        found = _sessions[loop] = Sessions()
    return found
