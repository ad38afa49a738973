"""How far a session of the slot is, and whether what a stream lost can be read again. Pure."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from veza.integrations.change_stream import Entry, EntryId

CONFIRM_AFTER_S = 3.0
"""A stream that loses its last second, as Redis may when its machine dies, is filled again."""


@dataclass(slots=True)
class Progress:
    """Numbers are positions of PostgreSQL's log; `ends` are the last entries of the streams."""

    received: int
    ends: dict[str, EntryId | None]
    confirmed: int = 0
    _safe: deque[tuple[float, int]] = field(default_factory=deque)
    _batches: dict[str, deque[tuple[EntryId, EntryId]]] = field(default_factory=dict)

    def appended(self, topic: str, entries: Sequence[Entry]) -> None:
        """These stand in the stream now."""
        first, last = entries[0].id, entries[-1].id
        self.ends[topic] = max(last, self.ends.get(topic) or last)
        batches = self._batches.setdefault(topic, deque())
        batches.append((first, last))
        while batches[0][1].lsn < self.confirmed:
            batches.popleft()

    def is_safe(self, lsn: int, *, now: float) -> None:
        """Everything up to `lsn` stands in the streams since `now`."""
        if not self._safe or lsn > self._safe[-1][1]:
            self._safe.append((now, lsn))

    def confirm(self, *, now: float) -> int:
        """What may be confirmed: what has been safe for CONFIRM_AFTER_S."""
        while self._safe and now - self._safe[0][0] >= CONFIRM_AFTER_S:
            self.confirmed = max(self.confirmed, self._safe.popleft()[1])
        return self.confirmed

    def is_recoverable(self, topic: str, last: EntryId | None) -> bool:
        """Whether the slot still delivers all that a stream has lost that ends at `last` now."""
        if last is None:
            return False
        lost = [first for first, end in self._batches.get(topic, ()) if end > last]
        known = self.ends.get(topic)
        return known is None or known <= last or (bool(lost) and lost[0].lsn >= self.confirmed)
