"""What one client may do when: a pure state machine, without a socket, a clock or a room.

`now` counts the seconds of a monotonic clock. Tokens that run out are watched by
`apps.realtime.connections`, as on every transport.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

from apps.realtime.limits import End
from apps.realtime.transports.centrifugo.codes import (
    ALREADY_SUBSCRIBED,
    BAD_REQUEST,
    LIMIT_EXCEEDED,
    CommandError,
    EndError,
)  # fmt: skip
from apps.realtime.types import ANONYMOUS, Viewer

VERSION = "veza 1"
MAX_CHANNELS = 128
CONNECT_TIMEOUT_S = 15.0
PING_S = 25
PONG_TIMEOUT_S = 10.0
METHODS = (
    "connect", "subscribe", "unsubscribe", "publish", "presence", "presence_stats", "history",
    "ping", "send", "rpc", "refresh", "sub_refresh",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that a client asks for. Only `send`, which gets no reply, may have the id 0."""

    id: int
    method: str
    request: dict[str, Any]


class Session:
    """One client from the opened socket to its end."""

    __slots__ = (
        "_opened_at", "_ping_at", "_pong_until", "_wants_pong", "channels", "client",
        "is_connected", "viewer",
    )  # fmt: skip

    def __init__(self, *, client: str, now: float, chance: float) -> None:
        """`chance`, from 0 to 1, spreads the first pings over 12.5 to 25 s."""
        self.client = client
        self.viewer: Viewer = ANONYMOUS
        self.is_connected = False
        self.channels: dict[str, bool] = {}
        """The channels subscribed to, and whether the client wants to hear who joins."""
        self._opened_at = now
        self._ping_at = now + PING_S * (1 + chance) / 2
        self._pong_until: float | None = None
        self._wants_pong = False

    def accept(self, message: dict[str, Any]) -> Command | None:
        """The command in a decoded message; None for the answer to our ping.

        Raises EndError for what no client of the protocol sends, or not now.
        """
        if not message and self._wants_pong:
            self._wants_pong = False
            return None
        methods = [name for name in METHODS if name in message]
        if len(methods) != 1:
            raise EndError(End.BAD_REQUEST)
        command = Command(message.get("id", 0), methods[0], message[methods[0]])
        is_first = command.method == "connect"
        if is_first == self.is_connected or not (command.id or command.method == "send"):
            raise EndError(End.BAD_REQUEST)
        return command

    def connect(self, viewer: Viewer, *, unix_now: float) -> dict[str, Any]:
        """The client is this viewer; the reply to `connect`."""
        self.is_connected = True
        return self._identify(viewer, unix_now) | {"ping": PING_S, "pong": True}

    def refresh(self, viewer: Viewer, *, unix_now: float) -> dict[str, Any]:
        """Go on with a new token of the same user; the reply. Raises EndError for another's."""
        if viewer.user_id != self.viewer.user_id:
            raise EndError(End.INVALID_TOKEN)
        return self._identify(viewer, unix_now)

    def check_channel(self, channel: str) -> None:
        """Whether one more subscription, to this channel, is possible. Raises CommandError."""
        if not channel:
            raise CommandError(BAD_REQUEST)
        if channel in self.channels:
            raise CommandError(ALREADY_SUBSCRIBED)
        if len(self.channels) >= MAX_CHANNELS:
            raise CommandError(LIMIT_EXCEEDED)

    def hear(self) -> None:
        """Something came from the client."""
        self._pong_until = None

    def next_step(self, now: float) -> Literal["ping"] | End | None:
        """What is to be done by now; asked at least once a second or so."""
        if not self.is_connected:
            return End.STALE if now >= self._opened_at + CONNECT_TIMEOUT_S else None
        if self._pong_until is not None and now >= self._pong_until:
            return End.NO_PONG
        if now < self._ping_at:
            return None
        self._ping_at = now + PING_S
        self._pong_until = now + PONG_TIMEOUT_S
        self._wants_pong = True
        return "ping"

    def due_at(self) -> float:
        """When `next_step` has something to say at the latest, as things are."""
        if not self.is_connected:
            return self._opened_at + CONNECT_TIMEOUT_S
        return min(self._ping_at, self._pong_until or math.inf)

    def _identify(self, viewer: Viewer, unix_now: float) -> dict[str, Any]:
        self.viewer = viewer
        reply: dict[str, Any] = {"client": self.client, "version": VERSION}
        if viewer.expires_at is None:
            return reply
        return reply | {"expires": True, "ttl": max(1, math.ceil(viewer.expires_at - unix_now))}
