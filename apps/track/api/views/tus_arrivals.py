"""Requests to write that have come and do not hold their upload yet.

A client whose connection was cut asks at once how far he has come, maybe before the request that
was cut has got as far as the table. In this process the order of arrival is kept.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

_writing: dict[UUID, set[asyncio.Future[None]]] = {}


class Arrival:
    """One request, and those that wanted to write to the same upload when it came."""

    def __init__(self, earlier: set[asyncio.Future[None]]) -> None:
        self._earlier = earlier
        self.asked: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle(self) -> None:
        """It has asked for its right to write, with or without success. A repeat is harmless."""
        if not self.asked.done():
            self.asked.set_result(None)

    async def others(self, *, within_s: float) -> None:
        """Wait until those that came before have asked for their right."""
        if self._earlier:
            await asyncio.wait(self._earlier, timeout=within_s)


@contextmanager
def arriving(upload_id: UUID | None, *, writes: bool) -> Iterator[Arrival]:
    """A request for an upload, from its first moment to its end."""
    if upload_id is None:
        yield Arrival(set())
        return
    arrival = Arrival(set(_writing.get(upload_id, ())))
    if writes:
        _writing.setdefault(upload_id, set()).add(arrival.asked)
        arrival.asked.add_done_callback(lambda asked: _forget(upload_id, asked))
    try:
        yield arrival
    finally:
        arrival.settle()


def _forget(upload_id: UUID, asked: "asyncio.Future[None]") -> None:
    left = _writing.get(upload_id, set())
    left.discard(asked)
    if not left:
        _writing.pop(upload_id, None)
