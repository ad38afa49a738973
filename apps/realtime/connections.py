"""The open connections of this process: limits, revocation, expiry, and the end of all of them."""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable, Iterator

from django.conf import settings

from apps.realtime.hub import Hub
from apps.realtime.limits import Connection, End
from veza.kit import metrics

SSE = "sse"
GRACE_S = {"websocket": 25.0}
"""So much longer than its token a connection lives, because its client can refresh the token."""
CLOSES_PER_S = 200
"""Fewer than this need not be spread: their clients come back to others within a second."""

_Marks = tuple[str, str | None, str | None]


class Connections:
    """All of it is called on the event loop. The first that was added is the oldest."""

    def __init__(self, *, hub: Hub, clock: Callable[[], float] = time.time) -> None:
        self._hub = hub
        self._clock = clock
        self._marks: dict[Connection, _Marks] = {}
        self._by_user: dict[str, dict[Connection, None]] = {}
        self._by_session: dict[str, dict[Connection, None]] = {}
        self._sse: dict[Connection, None] = {}
        self._deadlines: list[tuple[float, int, Connection]] = []
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._marks)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._marks))

    def add(self, connection: Connection) -> None:
        """It is open, or its viewer has changed. The oldest give way where there are too many."""
        viewer = connection.viewer
        marks = (connection.transport, viewer.user_id, viewer.session_id)
        known = self._marks.get(connection)
        if known is None:
            metrics.REALTIME_CONNECTIONS.labels(connection.transport).inc()
        elif known != marks:
            self._unindex(connection, known)
        self._marks[connection] = marks
        if known != marks:
            self._index(connection, marks)
        if viewer.expires_at is not None:
            self._remind(connection, viewer.expires_at)
        self._give_way(marks)

    def discard(self, connection: Connection) -> None:
        """It has gone: it leaves its rooms too. A repeat is harmless."""
        marks = self._marks.pop(connection, None)
        if marks is not None:
            self._unindex(connection, marks)
            metrics.REALTIME_CONNECTIONS.labels(marks[0]).dec()
        self._hub.forget(connection)  # type: ignore[arg-type] # harmless for one that is in no room

    def of_user(self, user_id: str) -> list[Connection]:
        """The user's sockets, oldest first."""
        return list(self._by_user.get(user_id, ()))

    def end_session(self, session_id: str) -> None:
        """The session was revoked: whatever is open under it ends."""
        for connection in list(self._by_session.get(session_id, ())):
            connection.end(End.REVOKED)

    def end_expired(self) -> None:
        """End those whose tokens are over. Call it about once a second."""
        now = self._clock()
        while self._deadlines and self._deadlines[0][0] <= now:
            _, _, connection = heapq.heappop(self._deadlines)
            expires_at = connection.viewer.expires_at
            if connection not in self._marks or expires_at is None:
                continue
            if self._deadline(connection, expires_at) <= now:
                connection.end(End.EXPIRED)

    async def drain(self, *, within_s: float) -> None:
        """End all, spread over the time, so that their clients do not come back all at once."""
        waiting = list(self._marks)
        pause_s = min(within_s / max(1, len(waiting)), 1 / CLOSES_PER_S)
        began = asyncio.get_running_loop().time()
        for number, connection in enumerate(waiting, 1):
            connection.end(End.SHUTDOWN)
            ahead_s = began + number * pause_s - asyncio.get_running_loop().time()
            if ahead_s > 0:
                await asyncio.sleep(ahead_s)

    def counts(self) -> dict[str, int]:
        """Open connections by transport."""
        found: dict[str, int] = {}
        for transport, _, _ in self._marks.values():
            found[transport] = found.get(transport, 0) + 1
        return found

    def _give_way(self, marks: _Marks) -> None:
        transport, user_id, _ = marks
        if transport == SSE:
            _end_oldest(self._sse, limit=settings.SSE_MAX_CLIENTS)
        elif user_id is not None:
            _end_oldest(self._by_user[user_id], limit=settings.MAX_CONNECTIONS_PER_USER)

    def _index(self, connection: Connection, marks: _Marks) -> None:
        transport, user_id, session_id = marks
        if transport == SSE:
            self._sse[connection] = None
        elif user_id is not None:
            self._by_user.setdefault(user_id, {})[connection] = None
        if session_id is not None:
            self._by_session.setdefault(session_id, {})[connection] = None

    def _unindex(self, connection: Connection, marks: _Marks) -> None:
        _, user_id, session_id = marks
        self._sse.pop(connection, None)
        _take_out(self._by_user, user_id, connection)
        _take_out(self._by_session, session_id, connection)

    def _remind(self, connection: Connection, expires_at: float) -> None:
        deadline = self._deadline(connection, expires_at)
        heapq.heappush(self._deadlines, (deadline, next(self._numbers), connection))

    def _deadline(self, connection: Connection, expires_at: float) -> float:
        return expires_at + GRACE_S.get(connection.transport, 0.0)


def _end_oldest(connections: dict[Connection, None], *, limit: int) -> None:
    """An ended connection discards itself soon or late; meanwhile it must not be ended again."""
    for connection in list(itertools.islice(connections, max(0, len(connections) - limit))):
        connections.pop(connection, None)
        metrics.REALTIME_DROPPED.labels("connection_limit").inc()
        connection.end(End.CONNECTION_LIMIT)


def _take_out(
    index: dict[str, dict[Connection, None]], key: str | None, connection: Connection
) -> None:
    if key is not None and key in index:
        index[key].pop(connection, None)
        if not index[key]:
            del index[key]
