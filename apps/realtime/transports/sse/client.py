"""One open event stream."""

from apps.realtime.followed import FollowedLog
from apps.realtime.hub import Wire
from apps.realtime.limits import End
from apps.realtime.node import Node
from apps.realtime.transports.sse.wire import goodbye, reset_chunk
from apps.realtime.types import Position, Viewer
from veza.kit import metrics
from veza.kit.asgi.port import Port


class Client:
    """A hub.Subscriber and a limits.Connection. What is written goes to the socket at once."""

    __slots__ = ("_log", "_node", "_port", "viewer", "wire", "write")

    transport = "sse"
    is_merged = True

    def __init__(
        self, *, node: Node, log: FollowedLog, port: Port, viewer: Viewer, wire: Wire
    ) -> None:
        self._node = node
        self._log = log
        self._port = port
        self.viewer = viewer
        self.wire: Wire = wire
        self.write = port.direct
        port.on_turn = self._turn

    @property
    def rooms(self) -> list[str]:
        """See limits.Connection."""
        return self._node.hub.rooms(self)

    @property
    def is_open(self) -> bool:
        """Whether anything that is written still goes somewhere."""
        return self._port.is_open

    @property
    def buffered(self) -> int:
        """Bytes that the client has not taken yet."""
        return self._port.buffered

    def _turn(self) -> None:
        self.write = self._port.direct
        self._node.hub.rewire(self)

    def end(self, reason: End) -> None:
        """Say goodbye and finish the answer. A repeat is harmless."""
        self._node.connections.discard(self)
        if self._port.is_open:
            self._port.write(goodbye(reason))
            self._port.close()

    def cut(self) -> None:
        """Without a word: it does not even take what was said before."""
        metrics.REALTIME_DROPPED.labels("slow").inc()
        self._node.connections.discard(self)
        self._port.abort()

    def reset(self, log: str, head: Position, reason: str) -> None:
        """The log is another one now; the stream goes on after its newest message."""
        if log != self._log.name:
            return
        newest_id = self._log.window.newest_id
        self.write(reset_chunk(head=head, reason=reason, newest_id=newest_id))

    def expel(self, room: str) -> None:
        """A stream is opened for a set of rooms: without one of them it ends.

        The client comes back by itself, and is told 404 if it still asks for that room.
        """
        self.end(End.REVOKED)
