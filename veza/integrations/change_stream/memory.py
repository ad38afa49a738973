"""A stream in the process itself, for tests."""

import threading
from collections import defaultdict
from collections.abc import Sequence

from veza.integrations.change_stream.port import FIRST, Entry, EntryId, Read, check_end


class MemoryChangeStream:
    """All threads that share one instance see one stream."""

    def __init__(self) -> None:
        self._entries: dict[str, list[Entry]] = defaultdict(list)
        self._last: dict[str, EntryId] = {}
        self._has_come = threading.Condition()

    def append(self, topic: str, entries: Sequence[Entry], *, behind: EntryId | None) -> None:
        with self._has_come:
            check_end(self._last.get(topic), behind)
            for entry in entries:
                if topic not in self._last or entry.id > self._last[topic]:
                    self._entries[topic].append(entry)
                    self._last[topic] = entry.id
            self._has_come.notify_all()

    def last(self, topic: str) -> EntryId | None:
        return self._last.get(topic)

    def read(self, topic: str, after: str, *, limit: int, wait_s: float) -> list[Read]:
        start = EntryId(-1, 0) if after == FIRST else EntryId.parse(after)
        with self._has_come:
            if not self._after(topic, start):
                self._has_come.wait(wait_s)
            return [Read(str(each.id), each.value) for each in self._after(topic, start)[:limit]]

    def ask(self, topic: str, after: str, *, limit: int) -> None:
        """Reading does not wait for anybody."""

    def ends_before(self, topic: str, place: str) -> bool:
        last = self.last(topic)
        return place != FIRST and last is not None and last < EntryId.parse(place)

    def trim(self, topic: str, through: str) -> None:
        with self._has_come:
            self._entries[topic] = self._after(topic, EntryId.parse(through))

    def backlog(self, topic: str) -> int:
        return len(self._entries[topic])

    def clear(self, topic: str) -> None:
        with self._has_come:
            self._entries.pop(topic, None)
            self._last.pop(topic, None)

    def _after(self, topic: str, start: EntryId) -> list[Entry]:
        return [each for each in self._entries[topic] if each.id > start]
