"""One log as a process has it: its newest messages in memory, kept up to date, and asked for."""

import asyncio
import time
from collections.abc import Callable

from django.conf import settings

from apps.realtime.follower import Follower
from apps.realtime.hub import Hub
from apps.realtime.log_reader import LogReader
from apps.realtime.logs import LogSource
from apps.realtime.recovery import Recovery
from apps.realtime.types import Place, Position
from apps.realtime.window import Window


class FollowedLog:
    """Made on the event loop that runs it. `on_reset` is called with the log and the reason."""

    def __init__(
        self,
        name: str,
        *,
        hub: Hub,
        source: LogSource,
        on_reset: Callable[["FollowedLog", str], None],
    ) -> None:
        self.name = name
        self.source = source
        self._place = Place(0, 0)
        self.window = Window(retention_s=settings.EVENT_RETENTION_S)
        self.follower = Follower(
            hub=hub, window=self.window, reader=LogReader(name=f"follower-{name}"),
            on_reset=lambda reason: on_reset(self, reason), source=source,
        )  # fmt: skip
        self.recovery = Recovery(
            window=self.window, reader=LogReader(name=f"recovery-{name}"), log=self.follower,
            source=source,
        )  # fmt: skip

    @property
    def head(self) -> Position:
        """The newest message that this process has handed out."""
        return Position(self.window.head, self.window.epoch)

    def place(self, within_s: float) -> Place | None:
        """Where this process stands in the log; None while it cannot be sure, because the log was
        not read for so long. The same object as long as it is the same place.
        """
        follower, place = self.follower, self._place
        if time.monotonic() - follower.looked_at > within_s or not follower.is_filled:
            return None
        if place.head != self.window.head or place.fills != follower.fills:
            place = self._place = Place(follower.fills, self.window.head)
        return place

    async def stop(self) -> None:
        """Let go of the log."""
        await self.follower.stop()
        self.recovery.stop()


async def start_all(logs: list[FollowedLog]) -> None:
    """Begin to follow them all at once."""
    await asyncio.gather(*(each.follower.start() for each in logs))
