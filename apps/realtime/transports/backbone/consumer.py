"""CONSUMERs: they join rooms, hear what is published there, and speak in rooms of the chat."""

from collections.abc import Awaitable, Callable
from typing import Any

from apps.realtime import rooms
from apps.realtime.domains import MessageType, Role, Sender
from apps.realtime.hub import Subscriber, Wire
from apps.realtime.limits import MessageBudget
from apps.realtime.node import Node
from apps.realtime.transports.backbone import frames, names
from apps.realtime.transports.backbone.connection import BackboneConnection
from apps.realtime.transports.backbone.frames import RefusedError
from apps.realtime.transports.backbone.warm import last_value
from apps.realtime.transports.backbone.wire import FULL, SHORT
from apps.realtime.types import Viewer
from veza.kit.asgi.port import Port, text_frame

MESSAGES_PER_S = 50.0
MESSAGES_AT_ONCE = 400.0
JOIN = ("join", "subscribe")
LEAVE = ("leave", "unsubscribe")


class Consumer(BackboneConnection):
    """A member of rooms; itself the subscriber of those that it names without prefix."""

    transport = "backbone"
    role = Role.CONSUMER
    wire: Wire = SHORT
    is_merged = False

    def __init__(self, *, port: Port, node: Node, viewer: Viewer) -> None:
        budget = MessageBudget(per_s=MESSAGES_PER_S, burst=MESSAGES_AT_ONCE)
        super().__init__(port=port, node=node, viewer=viewer, budget=budget)
        self._names: dict[str, str] = {}
        self.write = port.direct
        self._by_full_name: ByFullName | None = None
        port.on_turn = self._turn

    @property
    def rooms(self) -> list[str]:
        return list(self._names)

    def forget(self) -> None:
        super().forget()
        if self._by_full_name is not None:
            self._node.hub.forget(self._by_full_name)
            self._by_full_name = None
        self._names.clear()

    def _turn(self) -> None:
        self.write = self._port.direct
        self._node.hub.rewire(self)
        if self._by_full_name is not None:
            self._node.hub.rewire(self._by_full_name)

    def expel(self, room: str) -> None:
        name = self._names.get(room)
        if name is not None:
            self._leave(room, name)

    def _command(self, name: str, frame: dict[str, Any]) -> Awaitable[None] | None:
        if name in JOIN:
            return self._guarded(self._join(names.name_in(frame)))
        if name in LEAVE:
            self._leave_asked(names.name_in(frame))
            return None
        message_type = self._message_type(name)
        if message_type.is_to_room:
            return self._guarded(self._send(message_type, frame))
        return super()._command(name, frame)

    async def _join(self, name: str) -> None:
        """From the acknowledgement on, the client misses nothing that is published here."""
        room = names.room_of(name)
        if room not in self._names and len(self._names) >= rooms.MAX_ROOMS:
            raise RefusedError(
                "too_many_rooms", f"A connection is in at most {rooms.MAX_ROOMS} rooms."
            )
        if not await rooms.may_join(room, self.viewer):
            raise RefusedError("room_not_found", names.UNKNOWN)
        last = await last_value(self._node, room)
        if not self.is_open:
            return
        self._drop(room)
        self.answer(frames.ack("subscribed", name))
        if last is not None:
            self._port.write(text_frame(frames.update(name, last, is_warm=True)))
        self._names[room] = name
        self._node.hub.join(room, self._subscriber(name))

    def _leave_asked(self, name: str) -> None:
        room = names.room_of(name)
        if room not in self._names:
            raise not_a_member()
        self._leave(room, name)

    def _leave(self, room: str, name: str) -> None:
        self._drop(room)
        self.answer(frames.ack("unsubscribed", name))

    def _drop(self, room: str) -> None:
        name = self._names.pop(room, None)
        if name is not None:
            self._node.hub.leave(room, self._subscriber(name))

    def _subscriber(self, name: str) -> Subscriber:
        """Who is in the room that the client calls so."""
        if names.is_short(name):
            return self
        if self._by_full_name is None:
            self._by_full_name = ByFullName(self)
        return self._by_full_name

    async def _send(self, message_type: MessageType[Any], frame: dict[str, Any]) -> None:
        room = names.room_of(names.name_in(frame))
        if room not in self._names:
            raise not_a_member()
        if not await rooms.may_publish(room, self.viewer):
            raise RefusedError("forbidden_role", "Nobody writes to this room from here.")
        self._deliver(message_type, frame, Sender(viewer=self.viewer, room=room))


class ByFullName:
    """The same consumer in the rooms of instruments that it named in full."""

    wire: Wire = FULL
    is_merged = False

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    @property
    def write(self) -> Callable[[bytes], None]:
        return self._consumer.write

    @property
    def viewer(self) -> Viewer:
        return self._consumer.viewer

    def expel(self, room: str) -> None:
        self._consumer.expel(room)


def not_a_member() -> RefusedError:
    """The refusal of what only members of a room may do."""
    return RefusedError("not_a_member", "Join the room first.")
