"""The open connections of this process: limits, revocation, expiry, and the end of all of them."""

import asyncio
import heapq
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from django.conf import settings

from apps.realtime.hub import Hub
from apps.realtime.limits import Connection, End
from veza.kit import metrics

SSE = "sse"
GRACE_S = {"websocket": 25.0}
"""So much longer than its token a connection lives, because its client can refresh the token."""
CLOSES_PER_S = 200
"""Fewer than this need not be spread: their clients come back to others within a second."""

ENDED_KEPT_S = 60.0
"""A session that ends while a connection is being admitted under it is known for so long."""


class Marks(NamedTuple):
    """By what an open connection is found."""

    transport: str
    user_id: str | None
    session_id: str | None


class Entry(NamedTuple):
    """An open connection: a name that no other has, its marks, and since when (Unix seconds)."""

    name: str
    marks: Marks
    since: float


class Watch(Protocol):
    """Who is told of sockets of users that come and go."""

    def opened(self, entry: Entry) -> None: ...

    def closed(self, entry: Entry) -> None: ...


class Connections:
    """All of it is called on the event loop. The first that was added is the oldest."""

    def __init__(self, *, hub: Hub, name: str = "", clock: Callable[[], float] = time.time) -> None:
        self._hub = hub
        self._name = name
        self._clock = clock
        self.watch: Watch | None = None
        self._entries: dict[Connection, Entry] = {}
        self._by_name: dict[str, Connection] = {}
        self._ended: dict[str, float] = {}
        self._by_user: dict[str, dict[Connection, None]] = {}
        self._by_session: dict[str, dict[Connection, None]] = {}
        self._sse: dict[Connection, None] = {}
        self._deadlines: list[tuple[float, str]] = []
        # By name, so that what has closed is not kept until its token would have ended.
        self._numbers = itertools.count()
        self._counts: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._entries))

    def add(self, connection: Connection) -> None:
        """It is open, or its viewer has changed. The oldest give way where there are too many, and
        one whose session has just ended goes at once.
        """
        viewer = connection.viewer
        marks = Marks(connection.transport, viewer.user_id, viewer.session_id)
        known = self._entries.get(connection)
        if known is None:
            metrics.REALTIME_CONNECTIONS.labels(connection.transport).inc()
        elif known.marks != marks:
            self._unindex(connection, known)
        if known is None or known.marks != marks:
            self._index(connection, self._entry(marks, known))
        if viewer.expires_at is not None:
            self._remind(connection, viewer.expires_at)
        if viewer.session_id in self._ended:
            connection.end(End.REVOKED)
        else:
            self._give_way(marks)

    def discard(self, connection: Connection) -> None:
        """It has gone: it leaves its rooms too. A repeat is harmless."""
        entry = self._entries.pop(connection, None)
        if entry is not None:
            self._unindex(connection, entry)
            metrics.REALTIME_CONNECTIONS.labels(entry.marks.transport).dec()
        self._hub.forget(connection)  # type: ignore[arg-type] # harmless for one that is in no room

    def find(self, name: str) -> Connection | None:
        """The open connection with this name."""
        return self._by_name.get(name)

    def newest(self, limit: int) -> list[tuple[Connection, Entry]]:
        """The newest that are open, the last that came first."""
        return list(itertools.islice(reversed(self._entries.items()), limit))

    def sessions(self) -> list[str]:
        """The sessions under which anything is open."""
        return list(self._by_session)

    def of_user(self, user_id: str) -> list[Connection]:
        """The user's sockets, oldest first."""
        return list(self._by_user.get(user_id, ()))

    def end_session(self, session_id: str) -> None:
        """The session was revoked: whatever is open under it ends, and what is about to open."""
        self._ended.pop(session_id, None)
        self._ended[session_id] = self._clock() + ENDED_KEPT_S
        for connection in list(self._by_session.get(session_id, ())):
            connection.end(End.REVOKED)

    def end_expired(self) -> None:
        """End those whose tokens are over. Call it about once a second."""
        now = self._clock()
        while self._ended and next(iter(self._ended.values())) <= now:
            del self._ended[next(iter(self._ended))]
        while self._deadlines and self._deadlines[0][0] <= now:
            connection = self._by_name.get(heapq.heappop(self._deadlines)[1])
            if connection is None or (expires_at := connection.viewer.expires_at) is None:
                continue
            if self._deadline(connection, expires_at) <= now:
                connection.end(End.EXPIRED)

    async def drain(self, *, within_s: float) -> None:
        """End all, spread over the time, so that their clients do not come back all at once."""
        waiting = list(self._entries)
        pause_s = min(within_s / max(1, len(waiting)), 1 / CLOSES_PER_S)
        began = asyncio.get_running_loop().time()
        for number, connection in enumerate(waiting, 1):
            connection.end(End.SHUTDOWN)
            ahead_s = began + number * pause_s - asyncio.get_running_loop().time()
            if ahead_s > 0:
                await asyncio.sleep(ahead_s)

    def counts(self) -> dict[str, int]:
        """Open connections by transport."""
        return {transport: count for transport, count in self._counts.items() if count}

    def _entry(self, marks: Marks, known: Entry | None) -> Entry:
        if known is not None:
            return known._replace(marks=marks)
        return Entry(f"{self._name}-{next(self._numbers)}", marks, self._clock())

    def _give_way(self, marks: Marks) -> None:
        if marks.transport == SSE:
            _end_oldest(self._sse, limit=settings.SSE_MAX_CLIENTS)
        elif marks.user_id is not None:
            _end_oldest(self._by_user[marks.user_id], limit=settings.MAX_CONNECTIONS_PER_USER)

    def _index(self, connection: Connection, entry: Entry) -> None:
        self._entries[connection] = entry
        self._by_name[entry.name] = connection
        transport, user_id, session_id = entry.marks
        self._counts[transport] += 1
        if transport == SSE:
            self._sse[connection] = None
        elif user_id is not None:
            self._by_user.setdefault(user_id, {})[connection] = None
            if self.watch is not None:
                self.watch.opened(entry)
        if session_id is not None:
            self._by_session.setdefault(session_id, {})[connection] = None

    def _unindex(self, connection: Connection, entry: Entry) -> None:
        transport, user_id, session_id = entry.marks
        self._by_name.pop(entry.name, None)
        self._counts[transport] -= 1
        self._sse.pop(connection, None)
        _take_out(self._by_user, user_id, connection)
        _take_out(self._by_session, session_id, connection)
        if self.watch is not None and transport != SSE and user_id is not None:
            self.watch.closed(entry)

    def _remind(self, connection: Connection, expires_at: float) -> None:
        deadline = self._deadline(connection, expires_at)
        heapq.heappush(self._deadlines, (deadline, self._entries[connection].name))

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
