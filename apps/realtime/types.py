"""The words of realtime: who watches, what is sent, and places in the log."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec


@dataclass(frozen=True, kw_only=True, slots=True)
class Viewer:
    """Who is at the other end of a connection."""

    user_id: str | None
    session_id: str | None
    roles: frozenset[str]
    permissions: frozenset[str]
    expires_at: float | None
    """When the token ends, in Unix seconds; None: it does not."""
    username: str = ""
    may_read: bool = True
    """A token that was not made for reading joins what everyone may join."""
    may_write: bool = True
    room_prefix: str = ""
    """A token for rooms whose names begin so is good for no others."""
    only_rooms: frozenset[str] | None = None
    """A token for these rooms is good for no others; None: no such limit."""

    @property
    def is_anonymous(self) -> bool:
        return self.user_id is None

    def may_use(self, room: str) -> bool:
        """Whether the token is good for this room at all; the room's own rule says the rest."""
        named = self.only_rooms is None or room in self.only_rooms
        return named and room.startswith(self.room_prefix)


ANONYMOUS = Viewer(
    user_id=None,
    session_id=None,
    roles=frozenset(),
    permissions=frozenset(),
    expires_at=None,
)


class Position(NamedTuple):
    """A place in the log; `epoch` "" stands for whatever epoch there is."""

    offset: int
    epoch: str


class Place(NamedTuple):
    """Where a process stands in a log: what it was told adds up as long as `fills` is the same."""

    fills: int
    head: int


class Message:
    """What the hub hands out: a fact, an ephemeral message or a last value.

    A fact is one Message over all its rooms, so that what is encoded for one serves all. Only
    facts have `id`, `position`, `epoch` and all their `rooms`, of which a client may know only its
    own. `envelope` is what clients get, without its `room`.
    """

    __slots__ = ("_data_json", "_head_json", "data", "encodings", "envelope", "epoch", "id",
                 "position", "rooms", "type")  # fmt: skip

    def __init__(
        self,
        *,
        envelope: dict[str, Any],
        id: str | None = None,  # noqa: A002 - the term of the contract
        position: int | None = None,
        epoch: str | None = None,
        rooms: tuple[str, ...] = (),
    ) -> None:
        self.envelope = envelope
        self.type: str = envelope["type"]
        self.data: Any = envelope["data"]
        self.id = id
        self.position = position
        self.epoch = epoch
        self.rooms = rooms
        self.encodings: dict[object, bytes] = {}
        self._data_json: bytes | None = None
        self._head_json: bytes | None = None

    def __repr__(self) -> str:
        return f"<Message {self.type} {self.position or self.id or ''}>"

    @property
    def is_fact(self) -> bool:
        return self.position is not None

    def data_json(self) -> bytes:
        """`data` as compact JSON in UTF-8 on one line; encoded once."""
        if self._data_json is None:
            self._data_json = to_json(self.data)
        return self._data_json

    def envelope_json(self, room: str) -> bytes:
        """The whole envelope with this room as compact JSON in UTF-8 on one line."""
        if self._head_json is None:
            head = {key: value for key, value in self.envelope.items() if key != "data"}
            self._head_json = to_json(head)[:-1] + b',"data":' + self.data_json() + b',"room":'
        return self._head_json + to_json(room) + b"}"

    def cached(self, key: object, encode: Callable[["Message"], bytes]) -> bytes:
        """What `encode` makes of this message; asked for once under each key."""
        found = self.encodings.get(key)
        if found is None:
            found = self.encodings[key] = encode(self)
        return found


_encode = msgspec.json.Encoder().encode
_encode_unusual = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False
).encode


def to_json(value: Any) -> bytes:
    """Compact JSON in UTF-8, in which NaN is null (ECMA-262, JSON.stringify), and times and UUIDs
    are texts. Raises TypeError for what has no form in JSON.
    """
    try:
        return _encode(value)
    except (UnicodeEncodeError, TypeError):  # half a surrogate pair, a key that is no text
        return _encode_unusual(value).encode("utf-8", "surrogatepass")
