"""What is made of captured rows: last values and histories to read, a feed to follow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from msgspec import Struct

from veza.kit.errors import UpstreamError

HELD = 1000
"""So many a history and a room of the feed keep."""
HELD_LOG = 20_000
"""So many messages the feed keeps over all rooms."""
EVERY = "games"
"""The room that every message is told in: it is the feed itself."""


class ProjectionUnavailableError(UpstreamError):
    """It does not answer. Nothing of a batch was applied, or all of it."""

    code = "projection_unavailable"
    message = "The store of rounds does not answer."


class ProjectionOvertakenError(Exception):
    """Another projector has applied a batch meanwhile: read the state again."""


class State(NamedTuple):
    """How far the projection is; `place` and `order` are opaque. `epoch` "": there is none."""

    epoch: str = ""
    head: int = 0
    place: str = ""
    order: str = ""
    is_ready: bool = False


class Announcement(Struct, frozen=True):
    """A message of the feed: what its rooms get, without the name of the room."""

    position: int
    envelope: str
    rooms: tuple[str, ...]


class Effect(Struct, frozen=True):
    """What one change does. `document` is the round as clients read it; `score` its time in ms.

    `known` rows were read from the table itself: they count for readers and are not announced.
    """

    kind: Literal["finished", "corrected", "removed", "known"]
    id: int
    slug: str
    type: str
    score: int
    document: str
    announcement: Announcement | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Changes that are applied together, or not at all, to the state whose place is `after`.

    `begins_epoch`: all that was there before goes first.
    """

    after: str
    state: State
    begins_epoch: bool
    effects: Sequence[Effect]


class FeedBounds(NamedTuple):
    """The feed's messages from `oldest` to `head` can be read; none when `oldest` is above."""

    epoch: str
    oldest: int
    head: int


class FeedRow(NamedTuple):
    """A message as it was announced; `rooms` in their order."""

    position: int
    envelope: str
    rooms: tuple[str, ...]


class RoomRows(NamedTuple):
    """Of one room; `floor`: what stood there up to this position has been let go of."""

    floor: int
    rows: list[FeedRow]


def id_at_start(message_id: str) -> str:
    """With what the envelope of this message begins."""
    return f'{{"id":"{message_id}",'


class Turn(Protocol):
    """A batch that is applied in two steps, between which its caller has other work."""

    def begin(self) -> None:
        """The batch before it has been applied. Raises ProjectionUnavailableError."""
        ...

    def settle(self) -> None:
        """Wait until all of it is there. Raises ProjectionUnavailableError, and
        ProjectionOvertakenError.
        """
        ...


class Projection(Protocol):
    """Blocking calls, each of which raises ProjectionUnavailableError; threads may share it."""

    def state(self) -> State:
        """How far it is."""
        ...

    def turn(self, batch: Batch) -> Turn:
        """All of the batch and its state, which will stand there together or not at all."""
        ...

    def bounds(self) -> FeedBounds:
        """What can be read of the feed."""
        ...

    def feed_after(self, position: int, *, limit: int, wait_s: float) -> list[FeedRow]:
        """The first messages after a position; while there are none, waits for `wait_s` at most."""
        ...

    def room_after(self, room: str, position: int, *, through: int) -> RoomRows:
        """The messages of a room in a stretch of the feed: the newest HELD of the room are kept."""
        ...

    def find(self, room: str, message_id: str) -> int | None:
        """The position of the message with this id, if the room still keeps it."""
        ...

    def latest(self, slug: str) -> bytes | None:
        """The newest round of a game. Raises LookupError where that has to be asked elsewhere."""
        ...

    def history(self, key: str, *, limit: int) -> list[bytes]:
        """The newest rounds under `history:{key}`, newest first. Raises LookupError likewise."""
        ...
