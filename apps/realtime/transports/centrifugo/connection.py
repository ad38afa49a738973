"""One client: its session, its place in the hub, and the order of what is written to it."""

import asyncio
from collections.abc import Callable
from typing import Any

from apps.realtime.ephemera import ephemeral
from apps.realtime.hub import Wire
from apps.realtime.limits import End, MessageBudget
from apps.realtime.node import Node
from apps.realtime.rooms import resolve
from apps.realtime.transports.centrifugo.codes import (
    ACCESS_REVOKED,
    INSUFFICIENT_STATE,
    Failure,
)  # fmt: skip
from apps.realtime.transports.centrifugo.session import Command, Session
from apps.realtime.transports.centrifugo.wire import JOIN, LEAVE, CentrifugoWire, audience_of
from apps.realtime.types import Position, Viewer, to_json
from veza.integrations.room_state import Member
from veza.kit.asgi.port import Port

BURST = 512
COMMANDS_PER_S = 64
REFUSED_BURST = 512
REFUSED_PER_S = 8
FLUSHED_BYTES = 64 * 1024
ROOMY_BYTES = 128 * 1024
ROOM_WAIT_S = 10.0
_POLL_S = 0.02


class Connection:
    """Both `hub.Subscriber` and `limits.Connection`.

    Replies wait until the present step of the event loop is over, so that those to one frame
    leave in one frame; whatever else is written lets them go first.
    """

    __slots__ = (
        "_budget", "_held", "_port", "_refused", "_replies", "_reply_bytes", "codec", "is_merged",
        "node", "session", "transport", "wire", "write",
    )  # fmt: skip

    def __init__(self, *, node: Node, port: Port, wire: CentrifugoWire, session: Session) -> None:
        self.transport = "websocket"
        self.is_merged = False
        self.wire: Wire = wire
        self.codec = wire
        self.session = session
        self.node = node
        self._port = port
        self._replies: list[bytes] = []
        self._reply_bytes = 0
        self._held: list[bytes] | None = None
        self._budget = MessageBudget(per_s=COMMANDS_PER_S, burst=BURST)
        self._refused = MessageBudget(per_s=REFUSED_PER_S, burst=REFUSED_BURST)
        self.write: Callable[[bytes], None] = port.direct
        """What the hub calls for every message: the port's own, as long as nothing waits."""
        port.on_turn = self._settle

    @property
    def viewer(self) -> Viewer:
        return self.session.viewer

    @viewer.setter
    def viewer(self, viewer: Viewer) -> None:
        self.session.viewer = viewer

    @property
    def is_open(self) -> bool:
        return self._port.is_open

    @property
    def rooms(self) -> list[str]:
        """See limits.Connection."""
        return self.node.hub.rooms(self)

    def answer(self, command: Command, result: dict[str, Any]) -> None:
        """The reply to a command: leaves soon, and before anything else is written."""
        self._reply({"id": command.id, command.method: result})

    def refuse(self, command: Command, failure: Failure) -> None:
        """The reply that is an error; `send` gets none."""
        if command.id:
            self._reply({"id": command.id, "error": failure.as_reply()})

    def _reply(self, reply: dict[str, Any]) -> None:
        encoded = self.codec.encode(reply)
        if not self._replies:
            self.node.loop.call_soon(self.flush)
        self._replies.append(encoded)
        self._reply_bytes += len(encoded)
        self._settle()
        if self._reply_bytes >= FLUSHED_BYTES:
            self.flush()

    def push(self, push: dict[str, Any]) -> None:
        """Tell something that no message of the hub brings, behind what was published before."""
        self.node.hub.flush()
        self.write(self.codec.pack([self.codec.encode({"push": push})]))

    def flush(self) -> None:
        """Send the replies that wait."""
        if self._replies:
            replies, self._replies, self._reply_bytes = self._replies, [], 0
            self._port.write(self.codec.pack(replies))
            self._settle()

    def hold(self) -> None:
        """Keep back what the hub has for it, until `release`."""
        self._held = []
        self._settle()

    def release(self) -> None:
        """Let go what was held, behind the replies."""
        held, self._held = self._held or [], None
        self._settle()
        for data in held:
            self.write(data)

    def _settle(self) -> None:
        if self._held is not None:
            write = self._held.append
        elif self._replies:
            write = self._write_behind
        else:
            write = self._port.direct
        if write != self.write:
            self.write = write
            self.node.hub.rewire(self)

    def _write_behind(self, data: bytes) -> None:
        self.flush()
        self._port.write(data)

    def may_ask(self) -> bool:
        """Spend one command. False when there were too many; too many of those end it."""
        if self._budget.spend():
            return True
        if not self._refused.spend():
            self.end(End.TOO_MANY_REQUESTS)
        return False

    async def has_room(self) -> None:
        """Wait, for a while, until the client has taken most of what it was sent: answers must not
        push it over the budget that is there for those who do not read.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + ROOM_WAIT_S
        while self._port.buffered > ROOMY_BYTES and self.is_open and loop.time() < deadline:
            await asyncio.sleep(_POLL_S)

    def due_at(self) -> float:
        """See heartbeat.Timed."""
        return self.session.due_at()

    def wake(self, now: float) -> None:
        """See heartbeat.Timed."""
        step = self.session.next_step(now)
        if step == "ping":
            self._port.write(self.codec.ping)
        elif step is not None:
            self.end(step)

    def end(self, reason: End) -> None:
        """See limits.Connection."""
        self.flush()
        self._port.close(code=reason.code, reason=reason.reason)

    def reset(self, log: str, head: Position, reason: str) -> None:
        """See limits.Connection: the client asks again for what can be recovered in the new epoch.

        The last values of instruments have no epoch.
        """
        for channel in list(self.session.channels):
            rule = resolve(channel)
            if rule is None or (rule.keeps == "facts" and rule.log == log):
                self._put_out(channel, INSUFFICIENT_STATE)

    def expel(self, room: str) -> None:
        """See limits.Connection."""
        if room in self.session.channels:
            self._put_out(room, ACCESS_REVOKED)

    def _put_out(self, channel: str, push: dict[str, Any]) -> None:
        self.leave(channel)
        self.push({"channel": channel, "unsubscribe": push})

    def join(self, channel: str, *, wants_presence: bool) -> None:
        """From here on it gets what is published to the channel."""
        self.session.channels[channel] = wants_presence
        self.node.hub.join(channel, self)
        if wants_presence:
            self.node.hub.join(audience_of(channel), self)

    def leave(self, channel: str) -> None:
        """Harmless where it has not subscribed."""
        if self.session.channels.pop(channel, None) is None:
            return
        self.node.hub.leave(channel, self)
        self.node.hub.leave(audience_of(channel), self)
        self._tell_presence(channel, LEAVE)

    def enter(self, channel: str) -> None:
        """Be seen in a channel that it has joined, if those in it are seen."""
        self._tell_presence(channel, JOIN)

    def go(self) -> None:
        """The client has gone."""
        for channel in list(self.session.channels):
            self._tell_presence(channel, LEAVE)
        self.session.channels.clear()
        self.node.connections.discard(self)

    def _tell_presence(self, channel: str, kind: str) -> None:
        rule = resolve(channel)
        if rule is None or not rule.has_presence:
            return
        session = self.session
        info = {"username": self.viewer.username} if self.viewer.username else {}
        member = Member(
            room=channel, client=session.client, user=self.viewer.user_id or "",
            info=to_json(info) if info else b"",
        )  # fmt: skip
        presence = self.node.presence
        presence.enter(member) if kind == JOIN else presence.leave(member)
        told = {"client": session.client, "user": member.user, "conn_info": info}
        self.node.fanout.send(audience_of(channel), ephemeral(kind, told))
