"""Members of rooms that remember what they were sent."""

from collections.abc import Callable

from apps.realtime.limits import End
from apps.realtime.types import ANONYMOUS, Message, Position, Viewer


class LineWire:
    """Frames are lines `room type position`."""

    name = "lines"

    def __init__(self) -> None:
        self.framed = 0

    def frame(self, room: str, message: Message) -> bytes:
        self.framed += 1
        return f"{room} {message.type} {message.position}\n".encode()

    def join_frames(self, frames: list[bytes]) -> bytes:
        return b"".join(frames)


LINES = LineWire()


class Member:
    """A subscriber and a connection."""

    def __init__(
        self,
        *,
        wire: LineWire = LINES,
        is_merged: bool = False,
        viewer: Viewer = ANONYMOUS,
        transport: str = "websocket",
    ) -> None:
        self.wire = wire
        self.is_merged = is_merged
        self.viewer = viewer
        self.transport = transport
        self.writes: list[bytes] = []
        self.ended: list[End] = []
        self.resets: list[tuple[Position, str]] = []
        self.expelled: list[str] = []

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    @property
    def lines(self) -> list[str]:
        return b"".join(self.writes).decode().splitlines()

    def end(self, reason: End) -> None:
        self.ended.append(reason)

    def reset(self, head: Position, reason: str) -> None:
        self.resets.append((head, reason))

    def expel(self, room: str) -> None:
        self.expelled.append(room)


class Clock:
    """Time that passes when told, and a loop that turns when told."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._due: list[Callable[[], None]] = []

    def __call__(self) -> float:
        return self.now

    def soon(self, call: Callable[[], None]) -> None:
        self._due.append(call)

    def turn(self) -> None:
        """Do what is due now; what that puts off is for the next turn."""
        due, self._due = self._due, []
        for call in due:
            call()

    def settle(self) -> None:
        """Turn until nothing is due."""
        while self._due:
            self.turn()

    def pass_(self, seconds: float) -> None:
        self.now += seconds


def fact(position: int, *rooms: str, type: str = "thing.changed", epoch: str = "e1") -> Message:  # noqa: A002
    """The fact at this position, as the follower makes it."""
    id_ = f"0193{position:04x}-0000-7000-8000-{position:012x}"
    envelope = {"id": id_, "type": type, "data": {"step": position}, "position": position}
    return Message(
        envelope=envelope | {"epoch": epoch}, id=id_, position=position, epoch=epoch, rooms=rooms
    )
