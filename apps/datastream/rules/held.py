"""The newest rounds of a game or of a type, kept current by the messages of the feed. Pure."""

import re
from bisect import bisect_left, insort
from collections.abc import Sequence

HELD = 1000

_PLACE = re.compile(rb'\{"id":(-?[0-9]+),.*?"finished_at":"([^"]+)Z"')
_SCORE = re.compile(rb'"timestamp":(-?[0-9]+)\}$')

Place = tuple[int, bytes, int]
"""Milliseconds, the time with its fraction, and the id: what orders rounds."""


class HeldRounds:
    """Up to HELD rounds as JSON. `is_whole`: there are no others."""

    def __init__(self, documents: Sequence[bytes], *, is_whole: bool) -> None:
        self._places: list[Place] = []
        self._documents: dict[int, tuple[Place, bytes]] = {}
        self.is_whole = True
        for document in documents:
            self.put(document)
        self.is_whole = is_whole

    def __len__(self) -> int:
        return len(self._places)

    def put(self, document: bytes) -> None:
        """A round that is new, or was changed."""
        place = place_of(document)
        self.remove(place[2])
        if not self.is_whole and (not self._places or place < self._places[0]):
            return  # others that are not held may stand above it
        insort(self._places, place)
        self._documents[place[2]] = (place, document)
        if len(self._places) > HELD:
            self._documents.pop(self._places.pop(0)[2])
            self.is_whole = False

    def remove(self, number: int) -> None:
        """A round that is gone, or was never held."""
        found = self._documents.pop(number, None)
        if found is not None:
            del self._places[bisect_left(self._places, found[0])]

    def newest(self, limit: int) -> list[bytes] | None:
        """That many or all, newest first; None where more would have to be known."""
        if limit > len(self._places) and not self.is_whole:
            return None
        places = self._places[: -limit - 1 : -1]
        return [self._documents[place[2]][1] for place in places]

    def latest(self) -> bytes | None:
        """The newest by milliseconds, of one millisecond the highest id, as the store has it; None
        where more would have to be known.
        """
        if not self._places:
            return None
        first = bisect_left(self._places, (self._places[-1][0],))
        if first == 0 and not self.is_whole:
            return None
        return self._documents[max(place[2] for place in self._places[first:])][1]


def place_of(document: bytes) -> Place:
    """Raises ValueError for what is no round."""
    first, last = _PLACE.match(document), _SCORE.search(document)
    if first is None or last is None:
        raise ValueError("this is no round")
    return int(last[1]), first[2], int(first[1])
