"""One timer for all connections of a process: each waits in the slot of its next deadline."""

from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from apps.realtime.node import Node

TICK_S = 0.5
SLOTS = 64


class Timed(Protocol):
    """Something that has deadlines."""

    def due_at(self) -> float:
        """When it wants to be woken next, by the wheel's clock."""
        ...

    def wake(self, now: float) -> None:
        """The time has come; sometimes a little early, when `due_at` has moved meanwhile."""
        ...


class TimerWheel:
    """Wakes at most TICK_S late. Runs only while something waits.

    `later(seconds, call)` has `call` made on this thread; `clock` counts seconds.
    """

    def __init__(
        self, *, clock: Callable[[], float], later: Callable[[float, Callable[[], None]], Any]
    ) -> None:
        self._clock = clock
        self._later = later
        self._slots: list[dict[Timed, None]] = [{} for _ in range(SLOTS)]
        self._slot_of: dict[Timed, int] = {}
        self._turned_to = 0
        self._is_running = False

    def __len__(self) -> int:
        return len(self._slot_of)

    def add(self, timed: Timed) -> None:
        """Wake it when it is due; call it again when that has moved to an earlier time."""
        self.discard(timed)
        if not self._is_running:
            self._turned_to = self._tick_of(self._clock())
            self._is_running = True
            self._later(TICK_S, self._turn)
        last = self._turned_to + SLOTS - 1  # what is due later than a turn comes by twice
        tick = min(max(self._tick_of(timed.due_at()) + 1, self._turned_to + 1), last)
        slot = tick % SLOTS
        self._slots[slot][timed] = None
        self._slot_of[timed] = slot

    def discard(self, timed: Timed) -> None:
        """Do not wake it any more."""
        slot = self._slot_of.pop(timed, None)
        if slot is not None:
            del self._slots[slot][timed]

    def _tick_of(self, seconds: float) -> int:
        return int(seconds / TICK_S)

    def _turn(self) -> None:
        now = self._clock()
        until = self._tick_of(now)
        # After a long pause one turn of the wheel reaches all slots.
        for tick in range(max(self._turned_to + 1, until - SLOTS + 1), until + 1):
            self._turned_to = tick
            for timed in list(self._slots[tick % SLOTS]):
                self._wake(timed, now)
        self._is_running = bool(self._slot_of)
        if self._is_running:
            self._later(TICK_S, self._turn)

    def _wake(self, timed: Timed, now: float) -> None:
        timed.wake(now)
        if timed in self._slot_of:
            self.add(timed)


_wheels: "WeakKeyDictionary[Node, TimerWheel]" = WeakKeyDictionary()


def wheel_of(node: Node) -> TimerWheel:
    """The one of this process."""
    wheel = _wheels.get(node)
    if wheel is None:
        loop = node.loop
        wheel = _wheels[node] = TimerWheel(clock=loop.time, later=loop.call_later)
    return wheel
