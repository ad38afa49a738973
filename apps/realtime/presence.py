"""Who is in the rooms that show it: told to the store in one thread, in the order of events."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from operator import itemgetter

from veza.integrations.room_state import Count, Member, RoomStateUnavailableError, room_state

logger = logging.getLogger(__name__)


class Presence:
    """Called on the event loop. While anyone of this process is somewhere, the store hears that
    the process lives.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="presence")
        self._changes: deque[tuple[bool, Member]] = deque()
        self._members = 0
        self._is_beating = False
        self._is_stopped = False

    def enter(self, member: Member) -> None:
        """It is in its room. Never waits; whoever asks afterwards sees it."""
        self._members += 1
        self._put(member, is_in=True)
        if not self._is_beating:
            self._is_beating = True
            self._loop.call_later(room_state().heartbeat_s, self._beat)

    def leave(self, member: Member) -> None:
        """It is in its room no more."""
        self._members -= 1
        self._put(member, is_in=False)

    async def members(self, room: str) -> list[Member]:
        """All of the room, over all processes."""
        return await self._loop.run_in_executor(self._thread, lambda: room_state().members(room))

    async def count(self, room: str) -> Count:
        """How many they are."""
        return (await self.counts([room]))[room]

    async def counts(self, rooms: Iterable[str]) -> dict[str, Count]:
        """How many are in each of them."""
        wanted = list(rooms)
        return await self._loop.run_in_executor(self._thread, lambda: room_state().count(wanted))

    def stop(self) -> None:
        """This process goes: its members are gone at once."""
        self._members, self._is_stopped = 0, True
        self._thread.submit(room_state().end)
        self._thread.shutdown(wait=True)

    def _put(self, member: Member, *, is_in: bool) -> None:
        if self._is_stopped:
            return
        self._changes.append((is_in, member))
        if len(self._changes) == 1:  # else the write that waits for its turn takes this along
            self._thread.submit(self._write)

    def _write(self) -> None:
        waiting = [self._changes.popleft() for _ in range(len(self._changes))]
        for is_in, changes in groupby(waiting, key=itemgetter(0)):
            members = [member for _, member in changes]
            try:
                room_state().enter(members) if is_in else room_state().leave(members)
            except Exception:
                logger.exception("Presence was not written")

    def _beat(self) -> None:
        self._is_beating = self._members > 0 and not self._is_stopped
        if self._is_beating:
            self._thread.submit(_tell_life)
            self._loop.call_later(room_state().heartbeat_s, self._beat)


def _tell_life() -> None:
    try:
        room_state().beat()
    except RoomStateUnavailableError:
        logger.debug("The store of presence is away")  # the next beat writes what it missed
    except Exception:
        logger.exception("Presence was not kept alive")
