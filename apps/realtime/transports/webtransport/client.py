"""The commands of one session: `auth`, `subscribe`, `unsubscribe`, `ping`, answered as on `/ws`."""

from collections.abc import Awaitable
from typing import Any

from apps.realtime import rooms
from apps.realtime.domains import Role
from apps.realtime.errors import LogUnavailableError
from apps.realtime.limits import MessageBudget
from apps.realtime.node import Node
from apps.realtime.recovery import Lost, Recovered
from apps.realtime.transports.backbone import frames, names
from apps.realtime.transports.backbone.connection import BackboneConnection
from apps.realtime.transports.backbone.consumer import (
    MESSAGES_AT_ONCE,
    MESSAGES_PER_S,
    not_a_member,
)
from apps.realtime.transports.backbone.frames import RefusedError
from apps.realtime.transports.webtransport.room_stream import RoomStream
from apps.realtime.transports.webtransport.wire import line, place_in, reset_line, subscribed
from apps.realtime.types import Position, Viewer
from veza.kit.webtransport.session import Session

COMMANDS = ("auth", "subscribe", "unsubscribe", "ping")


class WebTransportClient(BackboneConnection):
    """A member of rooms, each of which has a stream."""

    transport = "webtransport"
    role = Role.CONSUMER

    def __init__(self, *, session: Session, node: Node, viewer: Viewer) -> None:
        budget = MessageBudget(per_s=MESSAGES_PER_S, burst=MESSAGES_AT_ONCE)
        super().__init__(port=session, node=node, viewer=viewer, budget=budget)
        self._session = session
        self._rooms: dict[str, tuple[str, RoomStream]] = {}
        """By full name: the name that the client used, and the stream."""
        session.on_stopped = self._stopped

    @property
    def rooms(self) -> list[str]:
        """The rooms that it is in."""
        return list(self._rooms)

    def forget(self) -> None:
        super().forget()
        for _, stream in self._rooms.values():
            stream.forget()
        self._rooms.clear()

    def expel(self, room: str) -> None:
        if room in self._rooms:
            self._leave(room)

    def reset(self, log: str, head: Position, reason: str) -> None:
        """See limits.Connection: it stands on the streams of the rooms, where it belongs."""
        for room, (_, stream) in self._rooms.items():
            rule = rooms.resolve(room)
            if rule is not None and rule.keeps == "facts" and rule.log == log:
                stream.write(reset_line(room, head=head, reason=reason))

    async def subscribe(self, name: str, after: Position | str | None) -> None:
        """From the acknowledgement on, the client misses nothing. Raises RefusedError."""
        room = names.room_of(name)
        if room not in self._rooms and len(self._rooms) >= rooms.MAX_ROOMS:
            raise RefusedError(
                "too_many_rooms", f"A connection is in at most {rooms.MAX_ROOMS} rooms."
            )
        if not await rooms.may_join(room, self.viewer):
            raise RefusedError("room_not_found", names.UNKNOWN)
        rule = rooms.resolve(room)
        if not self.is_open or rule is None:
            return
        self._drop(room)  # whoever subscribes again begins again, on a new stream
        stream = RoomStream(self, session=self._session, node=self._node, room=room)
        self._rooms[room] = (name, stream)
        if rule.keeps != "facts":
            await stream.warm_up(lambda: self._acknowledge(name))
            return
        try:
            await stream.catch_up(
                after, lambda found: self._acknowledge(name, found, is_resuming=after is not None)
            )
        except LogUnavailableError as fault:
            self._drop(room)
            raise RefusedError(fault.code, str(fault)) from None

    def _command(self, name: str, frame: dict[str, Any]) -> Awaitable[None] | None:
        if name == "subscribe":
            return self._guarded(self._subscribe(frame))
        if name == "unsubscribe":
            self._leave_asked(names.room_of(names.name_in(frame)))
            return None
        raise RefusedError("unknown_type", f"There are no commands of the type {name[:40]!r}.")

    @staticmethod
    def _framed(document: bytes) -> bytes:
        return line(document)

    async def _subscribe(self, frame: dict[str, Any]) -> None:
        await self.subscribe(names.name_in(frame), place_in(frame))

    def _acknowledge(
        self, name: str, found: Recovered | Lost | None = None, *, is_resuming: bool = False
    ) -> None:
        head = found.head if found else None
        self.answer(subscribed(name, head=head, found=found, is_resuming=is_resuming))

    def _leave_asked(self, room: str) -> None:
        if room not in self._rooms:
            raise not_a_member()
        self._leave(room)

    def _leave(self, room: str) -> None:
        name = self._rooms[room][0]
        self._drop(room)
        self.answer(frames.ack("unsubscribed", name))

    def _drop(self, room: str) -> None:
        known = self._rooms.pop(room, None)
        if known is not None:
            known[1].end()

    def _stopped(self, stream: int) -> None:
        """The client wants no more of a stream: it is in the room no longer."""
        for room, (_, known) in list(self._rooms.items()):
            if known.stream == stream:
                known.forget()
                self._leave(room)
