"""Pieces of a body between the loop, which reads them, and the thread that writes them."""

import asyncio
from typing import Any

from apps.track.api.views.tus_threads import in_thread, write_in_thread
from apps.track.services.writing import Writing


class Shelf:
    """Holds what has come and is not written. One call is under way at a time, so the bytes keep
    their order, and no more than two batches are in memory.
    """

    def __init__(self, writing: Writing) -> None:
        self.size_bytes = 0
        self._writing = writing
        self._pieces: list[bytes] = []
        self._under_way: asyncio.Future[Any] | None = None

    def add(self, content: bytes) -> None:
        """Put the next bytes behind all others."""
        self._pieces.append(content)
        self.size_bytes += len(content)

    async def write(self, *, settles: bool) -> None:
        """Begin to write all that is here, and to say that it is stored if it `settles`.

        Raises what an earlier call has met; then nothing more is written: there would be a gap.
        """
        await self.rest()
        pieces, self._pieces, self.size_bytes = self._pieces, [], 0
        call = in_thread if settles else write_in_thread
        self._under_way = asyncio.ensure_future(call(self._write, pieces, settles))

    async def rest(self) -> None:
        """Wait for the call that is under way: it uses the file, whoever has given up meanwhile."""
        if self._under_way is None:
            return
        await asyncio.wait([self._under_way])
        done, self._under_way = self._under_way, None
        if done.exception() is not None:
            self._pieces, self.size_bytes = [], 0
        done.result()

    async def end(self, *, is_whole: bool) -> None:
        """Write the rest, and keep all that may be kept, also where a call has failed."""
        try:
            await self.write(settles=False)
            await self.rest()
        except BaseException:
            await in_thread(self._writing.end, is_whole=False)
            raise
        await in_thread(self._writing.end, is_whole=is_whole)

    def _write(self, pieces: list[bytes], settles: bool) -> None:
        if pieces:  # at once: each call gives the interpreter away, and waits to have it again
            self._writing.write(b"".join(pieces))
        if settles:
            self._writing.settle()
