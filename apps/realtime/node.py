"""The realtime side of one process: its hub, its history, its way to the other processes.

    await node().recover(rooms, after, limit)     what was missed; then, in the same step,
    node().hub.join(room, subscriber)             everything from now on
    node().hub.leave(room, subscriber)            ... and when the connection has gone:
    node().connections.discard(connection)        forgets the subscriber too

`node()` is the one of this process. It exists from the first call on, and works within the process
alone until `start` (in the ASGI lifespan) ties it to the log and to the other processes.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Coroutine
from typing import Any

from apps.realtime import authentication
from apps.realtime import rooms as room_rules
from apps.realtime.census import REPORT_EVERY_S, Census, end_connection
from apps.realtime.connections import Connections
from apps.realtime.ephemera import ephemeral
from apps.realtime.fanout import Fanout, order_from_outside, send_from_outside
from apps.realtime.followed import FollowedLog, start_all
from apps.realtime.hub import Hub
from apps.realtime.last_values import LastValues, value_key, write_values
from apps.realtime.limits import Connection, End
from apps.realtime.logs import log_of, sources
from apps.realtime.presence import Presence
from apps.realtime.recovery import Lost, Recovered
from apps.realtime.types import Position, Viewer, to_json
from veza.kit import metrics
from veza.kit.errors import UpstreamError

logger = logging.getLogger(__name__)

TICK_S = 1.0
ADMISSION_S = 2.0  # longer than it takes from reading who somebody is to his connection


class Node:
    """Made on the event loop that runs it; all of it is called on that loop alone."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.hub = Hub(clock=time.monotonic, soon=self.loop.call_soon)
        self.logs = {
            name: FollowedLog(name, hub=self.hub, source=source, on_reset=self._tell_reset)
            for name, source in sources().items()
        }
        self.facts = self.logs[room_rules.FACTS]
        self.window, self.follower = self.facts.window, self.facts.follower
        self.fanout = Fanout(hub=self.hub, on_hint=self.follower.hint, on_order=self._obey)
        self.connections = Connections(hub=self.hub, name=self.fanout.origin)
        self.presence = Presence(self.loop)
        self.census = Census(
            origin=self.fanout.origin, hub=self.hub, connections=self.connections,
            presence=self.presence, order=self.fanout.order,
        )  # fmt: skip
        self.connections.watch = self.census
        self.last_values = LastValues()
        self.is_draining = False
        self._told_deliveries = 0
        self._ticking: asyncio.Task[None] | None = None
        self._asking: set[asyncio.Task[None]] = set()

    @property
    def head(self) -> Position:
        """The newest fact that this process has handed out."""
        return self.facts.head

    @property
    def has_started(self) -> bool:
        """Whether it is, or is being, tied to the log and to the other processes."""
        return self._ticking is not None

    def log_of(self, *rooms: str) -> FollowedLog:
        """The log that these rooms are told from. Raises TwoLogsError."""
        return self.logs[log_of(rooms)]

    async def recover(
        self, rooms: Collection[str], after: Position | str | None, limit: int
    ) -> Recovered | Lost:
        """What these rooms got after a position, or after the fact with this id.

        None: nothing was missed. At most `limit` facts. The answer is exact at the moment when it
        is given: await this call itself (not in a task of its own) and join the rooms before any
        other await, and there is neither hole nor double. The log may be asked, so it may take a
        while; raises TwoLogsError for rooms of two logs, nothing else for what a client sent, and
        LogUnavailableError while the log is away.
        """
        return await self.log_of(*rooms).recovery.recover(rooms, after, limit)

    async def start(self) -> None:
        """Fill the history and begin to follow. Returns when history is there, or soon anyway.

        Repeats do nothing.
        """
        if self.has_started:
            return
        self._ticking = asyncio.create_task(self._tick())
        await self.fanout.start()
        await start_all(list(self.logs.values()))

    async def drain(self, *, within_s: float) -> None:
        """End all connections, spread over the time; new ones are to be refused from now on."""
        self.is_draining = True
        await self.connections.drain(within_s=within_s)

    async def stop(self) -> None:
        """Let go of the log and of the other processes."""
        if self._ticking:
            self._ticking.cancel()
        for log in self.logs.values():
            await log.stop()
        await self.fanout.stop()
        await self.last_values.stop()
        self.census.stop()
        self.presence.stop()
        self._observe()

    def ask_again(self, room: str) -> None:
        """Put out of the room whoever may no longer be in it."""
        self._later(self._ask_again(room))

    def check_viewers(
        self,
        check: Callable[[Collection[Viewer]], Collection[str]],
        *,
        user_id: str | None,
    ) -> None:
        """See services.check_viewers. Twice, for who is just being let in as what he was."""
        self._later(self._end_outdated(check, user_id=user_id, after_s=0.0))
        self._later(self._end_outdated(check, user_id=user_id, after_s=ADMISSION_S))

    async def _end_outdated(
        self,
        check: Callable[[Collection[Viewer]], Collection[str]],
        *,
        user_id: str | None,
        after_s: float,
    ) -> None:
        await asyncio.sleep(after_s)
        viewers = [
            each.viewer
            for each in self.connections
            if each.viewer.session_id and user_id in (None, each.viewer.user_id)
        ]
        ended = await authentication.outdated(check, viewers)
        for connection in self.connections:
            if connection.viewer.session_id in ended and connection.viewer in viewers:
                connection.end(End.REVOKED)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _end_dead_sessions(self) -> None:
        for session_id in await authentication.dead_sessions(self.connections.sessions()):
            self.connections.end_session(session_id)

    async def _ask_again(self, room: str) -> None:
        for member in self.hub.members(room):
            viewer = getattr(member, "viewer", None)
            if viewer is not None and not await room_rules.may_join(room, viewer):
                member.expel(room)  # type: ignore[attr-defined] # whoever has a viewer is a Connection

    def _obey(self, name: str, data: Any) -> None:
        self.census.obey(name, data)

    def _tell_reset(self, log: FollowedLog, reason: str) -> None:
        if log is self.facts:  # those that told of the end of sessions may have been missed
            self._later(self._end_dead_sessions())
        connection: Connection
        for connection in self.connections:
            try:
                connection.reset(log.name, log.head, reason)
            except Exception:
                logger.exception("A connection failed to tell of the new epoch")

    async def _tick(self) -> None:
        reported_at = float("-inf")
        while True:
            await asyncio.sleep(TICK_S)
            self.connections.end_expired()
            self._observe()
            if self.loop.time() - reported_at >= REPORT_EVERY_S:
                reported_at = self.loop.time()
                self.census.report(deliveries=self.hub.deliveries, waiting=self.fanout.waiting)

    def _observe(self) -> None:
        metrics.REALTIME_DELIVERIES.inc(self.hub.deliveries - self._told_deliveries)
        self._told_deliveries = self.hub.deliveries


_node: Node | None = None


def node() -> Node:
    """The node of this process. Raises RuntimeError where no event loop ever asked for it."""
    global _node  # noqa: PLW0603 - one per process is what it is
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        loop = None
    if loop is not None and (_node is None or _node.loop is not loop):
        _node = Node()
    if _node is None:
        raise RuntimeError("This process has no realtime node; only web processes have one.")
    return _node


def broadcast(room: str, type: str, data: Any) -> None:  # noqa: A002 - the term of the contract
    """See services.broadcast."""
    message = ephemeral(type, data)
    if _node is None or _node.loop.is_closed():
        send_from_outside(room, message)
    else:
        _on_loop(_node, _node.fanout.send, room, message)


def set_last_value(room: str, data: Any) -> None:
    """See services.set_last_value."""
    if _node is None or _node.loop.is_closed():
        with contextlib.suppress(UpstreamError):
            write_values({value_key(room): to_json(data)})
    else:
        _on_loop(_node, _node.last_values.put, room, data)


def end_session(session_id: str) -> None:
    """See services.end_session."""
    if _node is not None and not _node.loop.is_closed():
        _on_loop(_node, _node.connections.end_session, session_id)


def end_connection_anywhere(name: str) -> None:
    """See services.end_connection."""
    if _node is None or _node.loop.is_closed():
        end_connection(order_from_outside, name, End.FORCED)
    else:
        _on_loop(_node, end_connection, _node.fanout.order, name, End.FORCED)


def _on_loop(here: Node, call: Callable[..., None], *arguments: Any) -> None:
    try:
        is_here = asyncio.get_running_loop() is here.loop
    except RuntimeError:
        is_here = False
    if is_here:
        call(*arguments)
    else:
        here.loop.call_soon_threadsafe(call, *arguments)
