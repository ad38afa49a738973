"""What the processes share about rooms: who is in them, and their last values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from veza.kit.errors import UpstreamError


class RoomStateUnavailableError(UpstreamError):
    """The store does not answer. What this process knows itself is still told."""

    code = "room_state_unavailable"
    message = "The store of presence and last values does not answer."


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One connection in a room. `user` is "" for nobody in particular; `info` is opaque."""

    room: str
    client: str
    user: str = ""
    info: bytes = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """How many are in a room; a user with several connections is one user."""

    clients: int
    users: int


class RoomState(Protocol):
    """Blocking calls that never take longer than ROOM_STATE_TIMEOUT_S: from an event loop, make
    them in a thread. One instance stands for one process, and threads may share it.
    """

    @property
    def heartbeat_s(self) -> float:
        """How often `beat` is to be called; after two without it the members are gone."""
        ...

    def enter(self, members: Sequence[Member]) -> None:
        """They are in their rooms, until `leave` or the end of this process. Repeats are harmless.

        When the store does not answer, the next `beat` that reaches it writes them.
        """
        ...

    def leave(self, members: Sequence[Member]) -> None:
        """They are not in their rooms any more, known by room and client."""
        ...

    def members(self, room: str) -> list[Member]:
        """All of the room, over all processes that live. Without the store: those of this process.

        A process that was killed is missed after two heartbeats.
        """
        ...

    def count(self, rooms: Iterable[str]) -> dict[str, Count]:
        """How many are in each of the rooms, as `members` would tell."""
        ...

    def beat(self) -> None:
        """This process lives. Writes what the store does not have of it, and removes what killed
        processes left behind. Raises RoomStateUnavailableError.
        """
        ...

    def end(self) -> None:
        """This process is going: its members are gone at once. Never raises."""
        ...

    def put_values(self, values: Mapping[str, bytes], *, ttl_s: float) -> None:
        """Keep each value under its key for `ttl_s`, instead of the one before.

        Raises RoomStateUnavailableError, and then some of them may have been kept.
        """
        ...

    def get_values(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Those of the values that live. Raises RoomStateUnavailableError."""
        ...

    def list_values(self, prefix: str, *, limit: int) -> dict[str, bytes]:
        """The first `limit` live values whose keys begin with `prefix`, which ends in a colon, in
        the order of their keys. Raises RoomStateUnavailableError.
        """
        ...
