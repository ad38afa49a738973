"""The logs that rooms are told from: that of facts, and those of feeds that keep their messages.

An app that has a log of its own registers it, and names it in the rules of its rooms.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol
from uuid import UUID

from apps.events.selectors import find_position, list_envelopes, log_bounds
from apps.events.types import LogBounds
from apps.realtime.errors import TooManyRoomsError, TwoLogsError
from apps.realtime.rooms import DEFAULTS, FACTS, MAX_ROOMS, resolve

LostReason = Literal["expired", "unknown", "epoch", "invalid", "too_many"]
Row = dict[str, Any]
"""A message as `Envelope.as_wire` writes it: what clients get, and `rooms`."""
PAGE = 2000
UUID7 = 7
ID_LENGTH = 36


class LostError(Exception):
    """It cannot be said what was missed."""

    def __init__(self, reason: LostReason) -> None:
        super().__init__(reason)
        self.reason: LostReason = reason


def named_rooms(*texts: str) -> tuple[str, ...]:
    """The names that stand in these texts between commas, each once; without any, DEFAULTS.

    Raises TooManyRoomsError.
    """
    names = (name.strip() for text in texts for name in text.split(","))
    found = tuple(dict.fromkeys(name for name in names if name))
    if len(found) > MAX_ROOMS:
        raise TooManyRoomsError
    return found or DEFAULTS


def read_id(text: str) -> UUID:
    """The id of a message, as all transports take it. Raises LostError for any other text."""
    if len(text) != ID_LENGTH:
        raise LostError("invalid")
    try:
        return UUID(text)
    except ValueError:
        raise LostError("invalid") from None


class LogSource(Protocol):
    """Blocking reads, called in a thread. DatabaseError, OSError or UpstreamError while it is away.

    Positions are dense within an epoch, and a message once told never changes.
    """

    waits: bool
    """Whether `after` waits for what comes; else it is asked again and again."""

    replays: bool
    """Whether a log that lost its end is filled again with the same messages."""

    def bounds(self) -> LogBounds:
        """What it holds. An epoch of "" stands for none, for now."""
        ...

    def after(self, position: int, *, limit: int, wait_s: float) -> Sequence[Row]:
        """The first `limit` after a position, oldest first."""
        ...

    def in_rooms(
        self, rooms: Sequence[str], *, after: int, through: int, limit: int, epoch: str
    ) -> list[Row]:
        """Of these rooms, each once, in order; up to one more than `limit`. Raises LostError."""
        ...

    def find(self, message_id: UUID, rooms: Sequence[str]) -> int | None:
        """The position of a message, looked for where it may be in one of these rooms."""
        ...

    def why_lost(self, message_id: UUID, rooms: Sequence[str]) -> LostReason:
        """Why it is not there. An id tells its time: one from before the log is known as such."""
        ...


class FactLog:
    """The log of facts, in PostgreSQL."""

    waits = False
    replays = False

    def bounds(self) -> LogBounds:
        return log_bounds()

    def after(self, position: int, *, limit: int, wait_s: float) -> Sequence[Row]:
        return [each.as_wire() for each in list_envelopes(after=position, limit=limit)]

    def in_rooms(
        self, rooms: Sequence[str], *, after: int, through: int, limit: int, epoch: str
    ) -> list[Row]:
        found: list[Row] = []
        at = after
        while len(found) <= limit:
            page = list_envelopes(
                after=at, through=through, rooms=rooms, limit=min(PAGE, limit + 1 - len(found))
            )
            found += [each.as_wire() for each in page]
            if len(page) < PAGE:
                break
            at = page[-1].position
        bounds = log_bounds()  # afterwards, because what is old may have been dropped meanwhile
        if bounds.epoch != epoch:
            raise LostError("epoch")
        if bounds.oldest > after + 1:
            raise LostError("expired")
        return found

    def find(self, message_id: UUID, rooms: Sequence[str]) -> int | None:
        return find_position(message_id)

    def why_lost(self, message_id: UUID, rooms: Sequence[str]) -> LostReason:
        bounds = log_bounds()
        oldest = list_envelopes(after=bounds.oldest - 1, limit=1)
        is_older = oldest and message_id.version == UUID7 and message_id.int < oldest[0].id.int
        return "expired" if is_older and bounds.oldest > 1 else "unknown"


_sources: dict[str, LogSource] = {FACTS: FactLog()}


def register_log(name: str, source: LogSource) -> None:
    """Have rooms whose rule names this log told from it. A repeat replaces."""
    _sources[name] = source


def sources() -> dict[str, LogSource]:
    """All logs by name."""
    return dict(_sources)


def log_of(rooms: Iterable[str]) -> str:
    """The one log that all of these rooms are told from; rooms without memory go with any.

    Raises TwoLogsError.
    """
    names = {
        rule.log for room in rooms if (rule := resolve(room)) is not None and rule.keeps == "facts"
    }
    if len(names) > 1:
        raise TwoLogsError
    return names.pop() if names else FACTS
