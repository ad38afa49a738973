"""One WebTransport session, as the application behind the server sees it."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from veza.kit.asgi.refusals import RefusalError, Scope, request_id_of
from veza.kit.metrics import REALTIME_DROPPED
from veza.kit.webtransport.capsules import CapsuleReader, close_capsule
from veza.kit.webtransport.lines import Lines, LineTooLongError, TooManyLinesError

BUDGET_BYTES = 1024 * 1024
"""A client that leaves more than this lying is dropped."""
MAX_LINE_BYTES = 64 * 1024
MAX_WAITING_BYTES = 256 * 1024
TOO_LARGE = (1009, "message too big")
SLOW = (3008, "slow")
TOO_MANY_REQUESTS = (3013, "too many requests")


class Way(Protocol):
    """What a session needs of its HTTP/3 connection."""

    def waiting(self) -> int:
        """Bytes that were written and that the client has not acknowledged; counted anew."""
        ...

    def respond(self, stream: int, status: int, headers: list[tuple[bytes, bytes]]) -> None: ...

    def send_data(self, stream: int, data: bytes, *, is_last: bool) -> None:
        """As the body of the response."""
        ...

    def open_stream(self, session: int) -> int:
        """A unidirectional stream to the client."""
        ...

    def send(self, stream: int, data: bytes, *, is_last: bool = False) -> None:
        """On a stream of the session."""
        ...

    def leave(self, *, soon: bool) -> None:
        """Close the connection: at once, or when the client had time to hear why."""
        ...


class Session:
    """A Port, too (veza.kit.asgi.port): what is written without naming a stream goes onto that
    which the client has opened for its commands.

    `scope` has what an ASGI scope has: path, query_string, headers, client.
    """

    def __init__(self, *, id: int, scope: Scope, way: Way) -> None:  # noqa: A002
        self.id = id
        self.scope = scope
        self.is_open = False
        self.lines = Lines(longest=MAX_LINE_BYTES, most_waiting=MAX_WAITING_BYTES)
        """What the client sends, a command each."""
        self.on_stopped: Callable[[int], None] = lambda stream: None
        """Called when the client wants no more of a stream of ours."""
        self.control: int | None = None
        """The stream of the commands."""
        self.gone = asyncio.Event()
        self.direct: Callable[[bytes], None] = self.write
        self.on_turn: Callable[[], None] | None = None
        self._way = way
        self._capsules = CapsuleReader()
        self._known = 0
        self._since = 0

    @property
    def buffered(self) -> int:
        """Bytes that the client has not acknowledged."""
        self._known, self._since = self._way.waiting(), 0
        return self._known

    def accept(self) -> None:
        """The session is open, unless the client has gone meanwhile."""
        if self.gone.is_set():
            return
        self.is_open = True
        self._way.respond(self.id, 200, [(b"sec-webtransport-http3-draft", b"draft02")])

    def refuse(self, refusal: RefusalError) -> None:
        """Answer with a problem document instead; browsers tell pages only that it failed."""
        request_id = request_id_of(self.scope["headers"])
        body = refusal.body(path=self.scope["path"], request_id=request_id)
        headers = refusal.headers(body=body, request_id=request_id)
        self._way.respond(
            self.id, refusal.status, [each for each in headers if each[0] != b"connection"]
        )
        self._way.send_data(self.id, body, is_last=True)
        self._way.leave(soon=True)

    def write(self, data: bytes) -> None:
        """Send whole lines as answers. Nowhere while the client has opened no stream."""
        if self.control is not None:
            self.write_to(self.control, data)

    def open_stream(self) -> int:
        """A stream of ours; what is written to it the client reads in order."""
        return self._way.open_stream(self.id)

    def write_to(self, stream: int, data: bytes, *, is_last: bool = False) -> None:
        """Never waits. A client that leaves more than BUDGET_BYTES lying is dropped."""
        if not self.is_open:
            return
        self._way.send(stream, data, is_last=is_last)
        self._since += len(data)
        if self._known + self._since > BUDGET_BYTES and self.buffered > BUDGET_BYTES:
            REALTIME_DROPPED.labels("slow").inc()
            self.close(code=SLOW[0], reason=SLOW[1])

    def close(self, *, code: int = 0, reason: str = "") -> None:
        """Say why, and go; a client that does not even take that is cut. Nothing follows."""
        if not self.is_open:
            return
        self.is_open = False
        self._way.send_data(self.id, close_capsule(code, reason), is_last=True)
        self._way.leave(soon=True)
        self.end()

    def abort(self) -> None:
        """Cut the connection at once."""
        self.is_open = False
        self._way.leave(soon=False)
        self.end()

    def stop_pings(self) -> None:
        """There are none but QUIC's own."""

    def feed_capsules(self, data: bytes, *, is_last: bool) -> None:
        """What came on the stream of the session itself: perhaps its end."""
        if (self._capsules.closes(data) or is_last) and self.is_open:
            self.close()

    def feed(self, data: bytes, *, is_last: bool) -> None:
        """What came on the stream of the commands."""
        try:
            self.lines.feed(data)
        except LineTooLongError:
            self.close(code=TOO_LARGE[0], reason=TOO_LARGE[1])
        except TooManyLinesError:
            self.close(code=TOO_MANY_REQUESTS[0], reason=TOO_MANY_REQUESTS[1])
        if is_last:
            self.lines.end()

    def end(self) -> None:
        """It is over. A repeat is harmless."""
        self.is_open = False
        self.lines.end()
        self.gone.set()
