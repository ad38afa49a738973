"""Clients that never give up: they come back, to any web process, with the last that they saw."""

import asyncio
import contextlib
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.faults.rig.history import Seen

SILENCE_S = 5.0
"""Nothing at all for so long, not even a sign of life: the connection is given up."""
FAULTS = (OSError, EOFError, TimeoutError, ValueError)


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where all clients begin: the newest fact before the load."""

    position: int
    fact: str
    epoch: str


class Watcher(ABC):
    """One client. `seen` holds every frame that came, in order, as it came."""

    def __init__(
        self, name: str, *, ports: Callable[[], Sequence[int]], start: Start, seed: int
    ) -> None:
        self.name = name
        self.start = start
        self.seen: list[Seen] = []
        self.resets: list[str] = []
        self.connects = 0
        self.ends: list[str] = []
        """Why its connections ended, as it understood."""
        self.last_fact = start.fact
        self.is_connected = asyncio.Event()
        self._ports = ports
        self._rng = random.Random(seed)
        self._turn = seed
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """Go away. Raises what the client itself stumbled over."""
        if self._task is None:
            return
        while not self._task.done():  # wait_for may swallow one cancellation (bpo-37658)
            self._task.cancel()
            await asyncio.wait([self._task], timeout=0.5)
        with contextlib.suppress(asyncio.CancelledError):
            self._task.result()
        self._task = None

    def has_failed(self) -> bool:
        return self._task is not None and self._task.done()

    async def _run(self) -> None:
        while True:
            ports = self._ports()
            self._turn += 1
            try:
                await self._watch(ports[self._turn % len(ports)])
                self.ends.append("end")
            except FAULTS as fault:
                self.ends.append(repr(fault)[:100])
            finally:
                self.is_connected.clear()
            await asyncio.sleep(self._rng.uniform(0.02, 0.2))

    @abstractmethod
    async def _watch(self, port: int) -> None:
        """One connection, until it ends or breaks."""

    def _take(self, seen: Seen) -> None:
        self.seen.append(seen)
        self.last_fact = seen.fact
