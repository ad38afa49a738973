"""A log of changes between who captures them and who projects them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from veza.kit.errors import UpstreamError

FIRST = ""
"""The place before everything."""


class ChangeStreamUnavailableError(UpstreamError):
    """It does not answer, or does not take writes. What was being appended may be there or not."""

    code = "change_stream_unavailable"
    message = "The stream of changes does not answer."


class ChangeStreamRewoundError(Exception):
    """The stream has lost entries that it had taken."""


class EntryId(NamedTuple):
    """Where a change stands: its commit in PostgreSQL's log, and which of the commit's it is."""

    lsn: int
    number: int

    def __str__(self) -> str:
        return f"{self.lsn}-{self.number}"

    @classmethod
    def parse(cls, text: str) -> "EntryId":
        """Of what `str` makes. Raises ValueError."""
        lsn, _, number = text.partition("-")
        return cls(int(lsn), int(number))


def check_end(last: EntryId | None, behind: EntryId | None) -> None:
    """Raises ChangeStreamRewoundError where the last entry stands before `behind`."""
    if behind is not None and (last is None or last < behind):
        raise ChangeStreamRewoundError


class Entry(NamedTuple):
    """A change to append; `key` and `value` are Debezium's documents."""

    id: EntryId
    key: bytes
    value: bytes


class Read(NamedTuple):
    """A change that was read; `place` is what to read on after."""

    place: str
    value: bytes


class ChangeStream(Protocol):
    """Blocking calls, each of which raises ChangeStreamUnavailableError. One appends, others read;
    an instance is for one thread.
    """

    def append(self, topic: str, entries: Sequence[Entry], *, behind: EntryId | None) -> None:
        """When it returns they are kept, in their order. Those at or below the last one that is
        there are there already, and are passed over.

        `behind` was its last entry when it was asked last: raises ChangeStreamRewoundError, and
        appends nothing, if the stream ends before that now.
        """
        ...

    def last(self, topic: str) -> EntryId | None:
        """The newest that was ever appended; None where the stream knows of none."""
        ...

    def read(self, topic: str, after: str, *, limit: int, wait_s: float) -> list[Read]:
        """The first `limit` after a place; while there are none, waits for `wait_s` at most."""
        ...

    def ask(self, topic: str, after: str, *, limit: int) -> None:
        """The next `read` will ask for this: a store that has to be asked may answer meanwhile."""
        ...

    def ends_before(self, topic: str, place: str) -> bool:
        """Whether it began anew, so that nothing would be found after this place for long."""
        ...

    def trim(self, topic: str, through: str) -> None:
        """What stands up to this place is not needed any more."""
        ...

    def backlog(self, topic: str) -> int:
        """How many entries it holds."""
        ...

    def clear(self, topic: str) -> None:
        """Begin anew: entries with smaller ids than before may follow."""
        ...
