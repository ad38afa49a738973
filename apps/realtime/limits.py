"""How much one client may take: connections of a user, SSE clients of a process, messages."""

import time
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from apps.realtime.types import Position, Viewer

MAX_FRAME_BYTES = 64 * 1024


class End(Enum):
    """Why we end a connection: the close code of WebSockets, and its reason in plain text."""

    TOO_LARGE = (1009, "message too big")
    SHUTDOWN = (3001, "shutdown")
    INTERNAL = (3004, "internal server error")
    EXPIRED = (3005, "connection expired")
    SLOW = (3008, "slow")
    RESET = (3010, "insufficient state")
    NO_PONG = (3012, "no pong")
    TOO_MANY_REQUESTS = (3013, "too many requests")
    REVOKED = (3500, "token revoked")
    INVALID_TOKEN = (3500, "invalid token")
    OUTDATED_TOKEN = (3500, "token expired")
    NO_TOKEN = (3500, "no token")
    BAD_REQUEST = (3501, "bad request")
    STALE = (3502, "stale")
    FORCED = (3503, "force disconnect")
    CONNECTION_LIMIT = (3504, "connection limit")
    FORBIDDEN = (3507, "permission denied")

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason


class Connection(Protocol):
    """A client's connection, whatever its transport. Often it is its own hub.Subscriber too."""

    @property
    def transport(self) -> str:
        """The label of metrics: `websocket` (Centrifugo), `backbone`, `ingest`, `sse`."""
        ...

    @property
    def viewer(self) -> Viewer: ...

    @property
    def rooms(self) -> list[str]:
        """Those that it is in, by whatever subscribers."""
        ...

    def end(self, reason: End) -> None:
        """Say why in the transport's own way and close. Never waits; harmless when repeated."""
        ...

    def reset(self, log: str, head: Position, reason: str) -> None:
        """This log has another epoch: SSE writes `event: reset`, Centrifugo unsubscribes with 2500
        every room that is told from it, the backbone does nothing.
        """
        ...

    def expel(self, room: str) -> None:
        """The viewer may no longer be in this room: leave it, and say so (unsubscribe 2000)."""
        ...


class MessageBudget:
    """A token bucket in plain Python: `burst` messages at once, `per_s` a second on average."""

    __slots__ = ("_at", "_burst", "_clock", "_left", "_per_s")

    def __init__(
        self, *, per_s: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_s = per_s
        self._burst = self._left = burst
        self._clock = clock
        self._at = clock()

    def spend(self, amount: float = 1.0) -> bool:
        """False when it is used up; nothing is taken then."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < amount:
            return False
        self._left -= amount
        return True
