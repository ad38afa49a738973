"""Who is in which room, and how a message gets to all of them. Pure: no Django, no event loop.

One thread alone calls it. A message is framed once for each room and wire, and handed to each
subscriber by a plain call. It leaves when the event loop has done what it had to do when it was
published; what was published meanwhile leaves with it, in one write per subscriber, and may put it
off a little. So nothing waits while there is little to do, and writes grow with the load.

Every subscriber gets everything in the order in which it was published, over all its rooms.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from apps.realtime.types import Message

logger = logging.getLogger(__name__)

WAIT_S = 0.005
"""No message waits longer than this for others."""
COALESCED_BYTES = 16 * 1024
"""Nor longer than until this much waits for one room."""


class Wire(Protocol):
    """A form in which messages stand on a connection; one object for all that speak it."""

    @property
    def name(self) -> str: ...

    def frame(self, room: str, message: Message) -> bytes:
        """The bytes of one message, complete for the socket (a WebSocket frame, an HTTP chunk)."""
        ...

    def join_frames(self, frames: list[bytes]) -> bytes:
        """Several of them as one write: `b"".join`, or one frame that holds all."""
        ...


class Subscriber(Protocol):
    """One end of a connection."""

    @property
    def wire(self) -> Wire: ...

    @property
    def is_merged(self) -> bool:
        """A fact that is in several of its rooms comes once (SSE); else once for each (sockets)."""
        ...

    @property
    def write(self) -> Callable[[bytes], None]:
        """Takes the bytes at once; never waits. Drops itself when it cannot keep up.

        The hub keeps it: who gets another says so by `Hub.rewire`.
        """
        ...


Soon = Callable[[Callable[[], None]], Any]


class _Group(NamedTuple):
    """The members of a room that speak one wire; those in this room only, and the others.

    To write to many costs mostly what of each of them has to be fetched into the processor's
    cache, so the loop over `writes` touches nothing else.
    """

    wire: Wire
    solo: list[Subscriber]
    writes: list[Callable[[bytes], None]]
    several: list[Subscriber]


class _Room:
    """Members that are in this room only are written to in one loop; the others are few."""

    __slots__ = ("groups", "name", "several", "size", "solo")

    def __init__(self, name: str) -> None:
        self.name = name
        self.solo: dict[Subscriber, None] = {}
        self.several: dict[Subscriber, None] = {}
        self.groups: list[_Group] | None = None
        self.size = 0

    def by_wire(self) -> list[_Group]:
        """Kept until the membership changes, or how one of the members is written to."""
        if self.groups is None:
            found: dict[Wire, _Group] = {}
            for member in self.solo:
                group = _group(found, member.wire)
                group.solo.append(member)
                group.writes.append(member.write)
            for member in self.several:
                _group(found, member.wire).several.append(member)
            self.groups = list(found.values())
        return self.groups


def _group(groups: dict[Wire, _Group], wire: Wire) -> _Group:
    group = groups.get(wire)
    if group is None:
        group = groups[wire] = _Group(wire, [], [], [])
    return group


_Pending = tuple[_Room, Message, dict[Wire, bytes]]


class Hub:
    """`soon(call)` has `call` made in this thread after what is to be done now; `clock` counts
    seconds.
    """

    def __init__(self, *, clock: Callable[[], float], soon: Soon) -> None:
        self.deliveries = 0
        """Frames handed to subscribers since the beginning."""
        self._clock = clock
        self._soon = soon
        self._rooms: dict[str, _Room] = {}
        self._subscribers: dict[Subscriber, dict[str, _Room]] = {}
        self._pending: list[_Pending] = []
        self._waits_since = 0.0
        self._seen = 0
        self._is_due = False
        self._is_flushing = False

    def join(self, room: str, subscriber: Subscriber) -> None:
        """From the next message on it gets what is published to the room. A repeat is harmless."""
        self.flush()
        rooms = self._subscribers.setdefault(subscriber, {})
        if room in rooms:
            return
        found = self._rooms.get(room)
        if found is None:
            found = self._rooms[room] = _Room(room)
        rooms[room] = found
        self._place(subscriber, rooms)

    def leave(self, room: str, subscriber: Subscriber) -> None:
        """It gets what was published so far, and nothing after."""
        self.flush()
        rooms = self._subscribers.get(subscriber)
        if rooms and (found := rooms.pop(room, None)):
            self._remove(found, subscriber)
            self._place(subscriber, rooms)

    def forget(self, subscriber: Subscriber) -> None:
        """It is gone: leave all its rooms."""
        for room in self._subscribers.pop(subscriber, {}).values():
            self._remove(room, subscriber)

    def rewire(self, subscriber: Subscriber) -> None:
        """Its `write` is another from now on."""
        for room in self._subscribers.get(subscriber, {}).values():
            room.groups = None

    def publish(self, room: str, message: Message) -> int:
        """Hand the message to all members of the room; how many they are."""
        return self.publish_all((room,), message)

    def publish_all(self, rooms: Iterable[str], message: Message) -> int:
        """Hand one message to the members of several rooms; merged subscribers get it once."""
        count, is_full = 0, False
        for name in rooms:
            room = self._rooms.get(name)
            if room is None:
                continue
            frames: dict[Wire, bytes] = {}
            for wire, solo, _, several in room.by_wire():
                frame = frames[wire] = wire.frame(name, message)
                room.size += len(frame)
                count += len(solo) + len(several)
            self._pending.append((room, message, frames))
            is_full = is_full or room.size >= COALESCED_BYTES
        if is_full:
            self.flush()
        elif count and not self._is_due:
            self._is_due = True
            self._waits_since, self._seen = self._clock(), 0  # so that it waits for two turns
            self._soon(self._flush_soon)
        return count

    def flush(self) -> None:
        """Write what waits. Call it before anything is written that must not overtake messages."""
        if self._is_flushing:  # by someone who is being written to: he has what came before
            return
        self._is_flushing = True
        try:
            while self._pending:
                pending, self._pending = self._pending, []
                _Flush(self, pending).run()
        finally:
            self._is_flushing = False

    def members(self, room: str) -> Sequence[Subscriber]:
        """Who is in the room now."""
        found = self._rooms.get(room)
        return [*found.solo, *found.several] if found else []

    def rooms(self, subscriber: Subscriber | None = None) -> list[str]:
        """The rooms that have members; or those of one subscriber."""
        return list(self._rooms if subscriber is None else self._subscribers.get(subscriber, ()))

    @property
    def has_members(self) -> bool:
        """Whether anybody is in any room."""
        return bool(self._rooms)

    def counts(self) -> dict[str, int]:
        """Members by room."""
        return {name: len(room.solo) + len(room.several) for name, room in self._rooms.items()}

    def subscribers(self) -> list[Subscriber]:
        """Everyone who is in any room."""
        return list(self._subscribers)

    def hand_out(
        self,
        data: bytes,
        writes: Sequence[Callable[[bytes], None]],
        subscribers: Sequence[Subscriber],
    ) -> int:
        """Write to each of them; one that fails is forgotten and harms nobody."""
        failed: list[Subscriber] = []
        for number, write in enumerate(writes):
            try:
                write(data)
            except Exception:
                logger.exception("A subscriber failed while it was written to")
                failed.append(subscribers[number])
        for subscriber in failed:
            self.forget(subscriber)
        return len(writes) - len(failed)

    def _flush_soon(self) -> None:
        """As long as more comes, more may come: it waits for that within WAIT_S."""
        has_more = len(self._pending) > self._seen
        if has_more and self._clock() - self._waits_since < WAIT_S:
            self._seen = len(self._pending)
            self._soon(self._flush_soon)
        else:
            self._is_due = False
            self.flush()

    def _place(self, subscriber: Subscriber, rooms: dict[str, _Room]) -> None:
        """Sort it among those in one room or among those in several, wherever it is."""
        is_solo = len(rooms) == 1
        for room in rooms.values():
            wanted, other = (room.solo, room.several) if is_solo else (room.several, room.solo)
            if subscriber not in wanted:
                other.pop(subscriber, None)
                wanted[subscriber] = None
                room.groups = None
        if not rooms:
            self._subscribers.pop(subscriber, None)

    def _remove(self, room: _Room, subscriber: Subscriber) -> None:
        room.solo.pop(subscriber, None)
        room.several.pop(subscriber, None)
        room.groups = None
        if not room.solo and not room.several:
            self._rooms.pop(room.name, None)


class _Flush:
    """Writes what waited: one write for each subscriber."""

    def __init__(self, hub: Hub, pending: list[_Pending]) -> None:
        self._hub = hub
        self._pending = pending
        self._by_room: dict[_Room, list[_Pending]] = {}
        for item in pending:
            item[0].size = 0
            self._by_room.setdefault(item[0], []).append(item)
        self._in: dict[Subscriber, list[_Room]] = {}
        self._made: dict[tuple[Wire, bool, tuple[int, ...]], tuple[bytes, int]] = {}

    def run(self) -> None:
        members = [(room, items, room.by_wire()) for room, items in self._by_room.items()]
        for room, items, by_wire in members:
            for wire, solo, writes, several in by_wire:
                for subscriber in several:
                    self._in.setdefault(subscriber, []).append(room)
                if solo:
                    data = _joined(wire, [item[2][wire] for item in items])
                    count = self._hub.hand_out(data, writes, solo)
                    self._hub.deliveries += count * len(items)
        for subscriber, rooms in self._in.items():
            data, frames = self._for_several(subscriber, rooms)
            count = self._hub.hand_out(data, (subscriber.write,), (subscriber,))
            self._hub.deliveries += count * frames

    def _for_several(self, subscriber: Subscriber, rooms: list[_Room]) -> tuple[bytes, int]:
        wire = subscriber.wire
        key = (wire, subscriber.is_merged, tuple(map(id, rooms)))
        made = self._made.get(key)
        if made is None:
            frames = self._frames(wire, rooms, is_merged=subscriber.is_merged)
            made = self._made[key] = (_joined(wire, frames), len(frames))
        return made

    def _frames(self, wire: Wire, rooms: list[_Room], *, is_merged: bool) -> list[bytes]:
        if len(rooms) == 1:
            return [item[2][wire] for item in self._by_room[rooms[0]]]
        wanted, seen, frames = set(rooms), set(), []
        for room, message, by_wire in self._pending:
            if room not in wanted or (is_merged and id(message) in seen):
                continue
            seen.add(id(message))
            frames.append(by_wire[wire])
        return frames


def _joined(wire: Wire, frames: list[bytes]) -> bytes:
    return frames[0] if len(frames) == 1 else wire.join_frames(frames)
