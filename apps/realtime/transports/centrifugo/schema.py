"""The messages of the protocol (centrifugal/protocol, `client.proto`), as tables for both codecs.

Of what clients send only the fields that are read here are named: all others are skipped.
"""

from enum import Enum
from typing import NamedTuple


class MalformedError(Exception):
    """The bytes are no message of the protocol."""


class Kind(Enum):
    """What a field holds. JSON: any value in one encoding, its JSON text as bytes in the other."""

    UINT32 = "uint32"
    UINT64 = "uint64"
    INT32 = "int32"
    INT64 = "int64"
    BOOL = "bool"
    TEXT = "string"
    JSON = "bytes"


class Field(NamedTuple):
    """A field: its number in Protobuf, what it holds, and whether it holds several of them."""

    number: int
    kind: "Kind | Shape"
    many: str = ""
    """"", "list", or "map" for an object whose keys are strings."""


class Shape:
    """The fields of a message, by their names and by their numbers."""

    def __init__(self, **fields: "tuple[int, Kind | Shape] | tuple[int, Kind | Shape, str]"):
        self.fields = {name: Field(*field) for name, field in fields.items()}
        self.by_number = {field.number: (name, field) for name, field in self.fields.items()}


UINT32, UINT64, INT32, INT64 = Kind.UINT32, Kind.UINT64, Kind.INT32, Kind.INT64
BOOL, TEXT, JSON = Kind.BOOL, Kind.TEXT, Kind.JSON


_EMPTY = Shape()
_CHANNEL = Shape(channel=(1, TEXT))
_POSITION = Shape(offset=(1, UINT64), epoch=(2, TEXT))
_TOKEN = Shape(token=(1, TEXT))

COMMAND = Shape(
    id=(1, UINT32),
    connect=(4, _TOKEN),
    subscribe=(
        5,
        Shape(
            channel=(1, TEXT), recover=(3, BOOL), epoch=(6, TEXT), offset=(7, UINT64),
            join_leave=(11, BOOL), flag=(14, INT64), type=(15, INT32),
        ),
    ),
    unsubscribe=(6, _CHANNEL),
    publish=(7, Shape(channel=(1, TEXT), data=(2, JSON))),
    presence=(8, _CHANNEL),
    presence_stats=(9, _CHANNEL),
    history=(
        10,
        Shape(channel=(1, TEXT), limit=(7, INT32), since=(8, _POSITION), reverse=(9, BOOL)),
    ),
    ping=(11, _EMPTY),
    send=(12, _EMPTY),
    rpc=(13, _EMPTY),
    refresh=(14, _TOKEN),
    sub_refresh=(15, _EMPTY),
)  # fmt: skip

CLIENT_INFO = Shape(user=(1, TEXT), client=(2, TEXT), conn_info=(3, JSON))
PUBLICATION = Shape(data=(4, JSON), offset=(6, UINT64))
_INFO = Shape(info=(1, CLIENT_INFO))
_CONNECTED = Shape(
    client=(1, TEXT), version=(2, TEXT), expires=(3, BOOL), ttl=(4, UINT32), ping=(7, UINT32),
    pong=(8, BOOL),
)  # fmt: skip

REPLY = Shape(
    id=(1, UINT32),
    error=(2, Shape(code=(1, UINT32), message=(2, TEXT), temporary=(3, BOOL))),
    push=(
        4,
        Shape(
            channel=(2, TEXT), pub=(4, PUBLICATION), join=(5, _INFO), leave=(6, _INFO),
            unsubscribe=(7, Shape(code=(2, UINT32), reason=(3, TEXT))),
        ),
    ),
    connect=(5, _CONNECTED),
    subscribe=(
        6,
        Shape(
            recoverable=(3, BOOL), epoch=(6, TEXT), publications=(7, PUBLICATION, "list"),
            recovered=(8, BOOL), offset=(9, UINT64), positioned=(10, BOOL),
            was_recovering=(12, BOOL),
        ),
    ),
    unsubscribe=(7, _EMPTY),
    publish=(8, _EMPTY),
    presence=(9, Shape(presence=(1, CLIENT_INFO, "map"))),
    presence_stats=(10, Shape(num_clients=(1, UINT32), num_users=(2, UINT32))),
    history=(
        11, Shape(publications=(1, PUBLICATION, "list"), epoch=(2, TEXT), offset=(3, UINT64)),
    ),
    ping=(12, _EMPTY),
    refresh=(
        14, Shape(client=(1, TEXT), version=(2, TEXT), expires=(3, BOOL), ttl=(4, UINT32)),
    ),
)  # fmt: skip
