"""Who is connected, over all processes: the limit of a user, and what operators are shown.

Sockets of users stand in the store of room state, under a room for each user that nobody can
join, and go from there with their process, however it ends. Without the store each process knows
its own alone.
"""

import asyncio
import json
import logging
import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from heapq import nlargest
from operator import itemgetter
from typing import Any

from django.conf import settings

from apps.realtime.connections import Connections, Entry
from apps.realtime.hub import Hub
from apps.realtime.limits import Connection, End
from apps.realtime.presence import Presence
from apps.realtime.types import to_json
from veza.integrations.room_state import Member, RoomStateUnavailableError, room_state
from veza.kit import metrics

logger = logging.getLogger(__name__)

END = "end"
"""The order to end a connection: `{"connection", "reason"}`."""
SETTLE_S = 0.2
"""Checks of users that connect at about the same time are made together."""
REPORT_EVERY_S = 2.0
REPORT_LIFE_S = 8.0
REPORTS = "processes:"
MOST_ROOMS = 200
MOST_CONNECTIONS = 200
MOST_ROOMS_OF_ONE = 10

GiveOrder = Callable[[str, Any], None]


class Census:
    """One for each process; called on the loop."""

    def __init__(
        self,
        *,
        origin: str,
        hub: Hub,
        connections: Connections,
        presence: Presence,
        order: GiveOrder,
    ) -> None:
        self._origin = origin
        self._hub = hub
        self._connections = connections
        self._presence = presence
        self._order = order
        self.role = "web"
        """Of the process: the command that runs it."""
        self._unchecked: set[str] = set()
        self._checking: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="census")

    def opened(self, entry: Entry) -> None:
        """See connections.Watch."""
        self._presence.enter(_member(entry))
        self._unchecked.add(str(entry.marks.user_id))
        if self._checking is None or self._checking.done():
            self._checking = asyncio.ensure_future(self._check())

    def closed(self, entry: Entry) -> None:
        """See connections.Watch."""
        self._presence.leave(_member(entry))

    def obey(self, name: str, data: Any) -> None:
        """What a process has ordered all to do."""
        if name == END:
            connection = self._connections.find(data["connection"])
            if connection is not None:
                connection.end(End[data["reason"]])

    def report(self, *, deliveries: int, waiting: int) -> None:
        """Tell the store what is going on here; soon, and only if it can be told."""
        document = to_json(self._summary(deliveries=deliveries, waiting=waiting))
        self._thread.submit(_put, {REPORTS + self._origin: document})

    def stop(self) -> None:
        """No more checks and reports."""
        if self._checking is not None:
            self._checking.cancel()
        self._thread.shutdown(wait=False)

    async def _check(self) -> None:
        while self._unchecked:
            await asyncio.sleep(SETTLE_S)
            users, self._unchecked = self._unchecked, set()
            rooms = {room_of(user): user for user in users}
            counts = await self._presence.counts(rooms)
            for room in rooms:
                if counts[room].clients > settings.MAX_CONNECTIONS_PER_USER:
                    await self._end_oldest(room)

    async def _end_oldest(self, room: str) -> None:
        """Each process that looks names the same ones, and ending one twice is harmless."""
        members = await self._presence.members(room)
        members.sort(key=lambda member: (json.loads(member.info), member.client))
        for member in members[: max(0, len(members) - settings.MAX_CONNECTIONS_PER_USER)]:
            metrics.REALTIME_DROPPED.labels("connection_limit").inc()
            end_connection(self._order, member.client, End.CONNECTION_LIMIT)

    def _summary(self, *, deliveries: int, waiting: int) -> dict[str, Any]:
        counts = self._hub.counts()
        newest = self._connections.newest(MOST_CONNECTIONS)
        return {
            "process": self._origin,
            "role": self.role,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "at": time.time(),
            "counts": self._connections.counts(),
            "rooms": dict(nlargest(MOST_ROOMS, counts.items(), key=itemgetter(1))),
            "room_count": len(counts),
            "deliveries": deliveries,
            "waiting": waiting,
            "connections": [self._shown(*each) for each in newest],
        }

    def _shown(self, connection: Connection, entry: Entry) -> dict[str, Any]:
        viewer = connection.viewer
        return {
            "name": entry.name,
            "transport": entry.marks.transport,
            "since": entry.since,
            "user_id": viewer.user_id,
            "username": viewer.username,
            "session_id": viewer.session_id,
            "rooms": connection.rooms[:MOST_ROOMS_OF_ONE],
        }


def end_connection(order: GiveOrder, name: str, reason: End) -> None:
    """End the connection with this name, wherever it is."""
    order(END, {"connection": name, "reason": reason.name})


def room_of(user_id: str) -> str:
    """Under which name the sockets of a user stand in the store."""
    return f"@user:{user_id}"


def _member(entry: Entry) -> Member:
    user_id = str(entry.marks.user_id)
    return Member(room=room_of(user_id), client=entry.name, user=user_id, info=to_json(entry.since))


def _put(values: dict[str, bytes]) -> None:
    try:
        room_state().put_values(values, ttl_s=REPORT_LIFE_S)
    except RoomStateUnavailableError:
        logger.debug("The store of room state is away")
    except Exception:
        logger.exception("What goes on here was not reported")
