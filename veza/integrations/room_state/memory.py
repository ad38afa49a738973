"""State in memory: for tests, and for what a process knows while the store is away."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

from veza.integrations.room_state.port import Count, Member

HEARTBEAT_S = 5.0
MAX_VALUES = 100_000

Clock = Callable[[], float]
Held = dict[str, dict[str, Member]]  # by room and client


class MemoryStore:
    """What several instances share, as processes share a server."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self.clock = clock
        self.lock = threading.Lock()
        self.held: dict[int, Held] = {}
        self.beaten_at: dict[int, float] = {}
        self.values: dict[str, tuple[float, bytes]] = {}


class MemoryRoomState:
    """Whole by itself; instances with one `store` see one another."""

    def __init__(
        self, store: MemoryStore | None = None, *, heartbeat_s: float = HEARTBEAT_S
    ) -> None:
        self.heartbeat_s = heartbeat_s
        self._store = store or MemoryStore()
        self._own: Held = {}

    def enter(self, members: Sequence[Member]) -> None:
        with self._store.lock:
            for member in members:
                self._own.setdefault(member.room, {})[member.client] = member
            self._appear()

    def leave(self, members: Sequence[Member]) -> None:
        with self._store.lock:
            for member in members:
                there = self._own.get(member.room, {})
                there.pop(member.client, None)
                if not there:
                    self._own.pop(member.room, None)

    def held(self) -> list[Member]:
        """Those who entered by this instance."""
        with self._store.lock:
            return [member for there in self._own.values() for member in there.values()]

    def members(self, room: str) -> list[Member]:
        with self._store.lock:
            return [
                member
                for process, held in self._store.held.items()
                if self._lives(process)
                for member in held.get(room, {}).values()
            ]

    def count(self, rooms: Iterable[str]) -> dict[str, Count]:
        return {room: counted(self.members(room)) for room in rooms}

    def beat(self) -> None:
        with self._store.lock:
            self._appear()
            for process in [each for each in self._store.held if not self._lives(each)]:
                del self._store.held[process], self._store.beaten_at[process]

    def end(self) -> None:
        with self._store.lock:
            self._own = {}
            self._store.held.pop(id(self), None)
            self._store.beaten_at.pop(id(self), None)

    def put_values(self, values: Mapping[str, bytes], *, ttl_s: float) -> None:
        with self._store.lock:
            until = self._store.clock() + ttl_s
            kept = self._store.values
            for key, value in values.items():
                kept.pop(key, None)  # so that the oldest stand first
                kept[key] = (until, value)
            for key in list(islice(kept, max(0, len(kept) - MAX_VALUES))):
                del kept[key]

    def get_values(self, keys: Sequence[str]) -> dict[str, bytes]:
        with self._store.lock:
            now, kept = self._store.clock(), self._store.values
            return {key: kept[key][1] for key in keys if key in kept and kept[key][0] > now}

    def list_values(self, prefix: str, *, limit: int) -> dict[str, bytes]:
        with self._store.lock:
            now = self._store.clock()
            live = [
                (key, value)
                for key, (until, value) in self._store.values.items()
                if until > now and key.startswith(prefix)
            ]
        return dict(sorted(live)[:limit])

    def _appear(self) -> None:
        self._store.held[id(self)] = self._own
        self._store.beaten_at[id(self)] = self._store.clock()

    def _lives(self, process: int) -> bool:
        silence_s = self._store.clock() - self._store.beaten_at[process]
        return silence_s <= 2 * self.heartbeat_s


def counted(members: Sequence[Member]) -> Count:
    """Connections, and the users behind them; those without a user are one each."""
    named = {member.user for member in members if member.user}
    nameless = sum(not member.user for member in members)
    return Count(clients=len(members), users=len(named) + nameless)
