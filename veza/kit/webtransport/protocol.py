"""One QUIC connection: HTTP/3, and on it one WebTransport session at most.

aioquic extends the windows of a client by itself, to twice what came so far, and keeps what is
written until it is acknowledged, without a bound. So both are counted here: what a client may
send in all, what may come beside the commands, and what waits for it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import ErrorCode, H3Connection
from aioquic.h3.events import (
    DataReceived,
    H3Event,
    HeadersReceived,
    WebTransportStreamDataReceived,
)
from aioquic.quic.connection import (
    NetworkAddress,
    QuicConnection,
    stream_is_unidirectional,
)
from aioquic.quic.events import (
    ConnectionTerminated,
    ProtocolNegotiated,
    QuicEvent,
    StopSendingReceived,
    StreamDataReceived,
    StreamReset,
)

from veza.kit.asgi.refusals import Headers, RefusalError
from veza.kit.webtransport.session import TOO_MANY_REQUESTS, Session

logger = logging.getLogger(__name__)

OPENS_WITHIN_S = 10.0
PING_S = 20.0
LEAVES_AFTER_S = 3.0
MOST_RECEIVED_BYTES = 4 * 1024 * 1024
"""A session that has sent so much in all ends; its client comes back with fresh windows."""
MOST_BESIDE_BYTES = 256 * 1024
"""So much may come on other streams than that of the commands."""
MOST_REFUSED_STREAMS = 32
NO_SESSION = 0x170D7B68
"""WEBTRANSPORT_SESSION_GONE: a stream that belongs to no session."""

Handler = Callable[[Session], Awaitable[None]]


class WebTransportProtocol(QuicConnectionProtocol):
    """Calls `serve` with the session that a client asks for. It is the session's Way, too."""

    def __init__(
        self,
        quic: QuicConnection,
        stream_handler: object = None,
        *,
        serve: Handler,
        on_opened: Callable[["WebTransportProtocol", str], None],
        on_gone: Callable[["WebTransportProtocol"], None],
    ) -> None:
        super().__init__(quic)
        self._serve = serve
        self._on_opened = on_opened
        self._on_gone = on_gone
        self._http: H3Connection | None = None
        self._session: Session | None = None
        self._task: asyncio.Task[None] | None = None
        self._client: NetworkAddress | None = None
        self._received = 0
        self._beside = 0
        self._refused = 0
        self._timers: list[asyncio.TimerHandle] = []

    # --- from the network -----------------------------------------------------------------------

    def datagram_received(self, data: bytes | str, addr: NetworkAddress) -> None:
        if self._client is None:
            self._client = addr
            self._on_opened(self, addr[0])
            self._later(OPENS_WITHIN_S, self._check_opened)
            self._later(PING_S, self._ping)
        super().datagram_received(data, addr)

    def quic_event_received(self, event: QuicEvent) -> None:
        """See QuicConnectionProtocol."""
        if isinstance(event, ProtocolNegotiated):
            self._http = H3Connection(self._quic, enable_webtransport=True)
        elif isinstance(event, ConnectionTerminated):
            self._end()
            return
        elif isinstance(event, StreamDataReceived):
            self._count(event)
        elif isinstance(event, StreamReset):
            self._was_reset(event.stream_id)
        elif isinstance(event, StopSendingReceived):
            self._was_stopped(event.stream_id)
        if self._http is not None:
            for each in self._http.handle_event(event):
                self._take(each)

    def _take(self, event: H3Event) -> None:
        if isinstance(event, HeadersReceived):
            self._take_request(event)
        elif isinstance(event, DataReceived):
            if self._session is not None and event.stream_id == self._session.id:
                self._session.feed_capsules(event.data, is_last=event.stream_ended)
        elif isinstance(event, WebTransportStreamDataReceived):
            self._take_stream(event)

    def _take_request(self, event: HeadersReceived) -> None:
        if self._session is not None:
            if event.stream_id != self._session.id:  # else trailers, which mean nothing
                self._refuse_stream(event.stream_id, ErrorCode.H3_REQUEST_REJECTED)
            return
        scope = _scope(event.headers, self._client)
        session = self._session = Session(id=event.stream_id, scope=scope, way=self)
        found = dict(event.headers)
        if found.get(b":method") != b"CONNECT" or found.get(b":protocol") != b"webtransport":
            session.refuse(
                RefusalError(status=404, code="not_found", detail="Here is WebTransport alone.")
            )
            return
        self._task = asyncio.ensure_future(self._run(session))

    async def _run(self, session: Session) -> None:
        try:
            await self._serve(session)
        except Exception:
            logger.exception("A WebTransport session failed")
            self.leave(soon=False)

    def _take_stream(self, event: WebTransportStreamDataReceived) -> None:
        session, stream = self._session, event.stream_id
        if session is None or session.id != event.session_id:
            self._refuse_stream(stream, NO_SESSION)
            return
        is_free = session.control is None and not stream_is_unidirectional(stream)
        if is_free:
            session.control = stream
        if session.control == stream:
            session.feed(event.data, is_last=event.stream_ended)
        else:
            self._refuse_stream(stream, ErrorCode.H3_REQUEST_REJECTED)

    def _count(self, event: StreamDataReceived) -> None:
        size, session = len(event.data), self._session
        self._received += size
        if session is None or event.stream_id != session.control:
            self._beside += size
        if self._beside > MOST_BESIDE_BYTES:
            self._cut()
        elif self._received > MOST_RECEIVED_BYTES and session is not None:
            session.close(code=TOO_MANY_REQUESTS[0], reason=TOO_MANY_REQUESTS[1])

    def _was_reset(self, stream: int) -> None:
        if self._session is None:
            return
        if stream == self._session.id:
            self._session.abort()
        elif stream == self._session.control:
            self._session.lines.end()

    def _was_stopped(self, stream: int) -> None:
        if self._session is not None and self._session.is_open:
            self._session.on_stopped(stream)

    def _refuse_stream(self, stream: int, code: int) -> None:
        self._refused += 1
        if self._refused > MOST_REFUSED_STREAMS:
            self._cut()
            return
        with contextlib.suppress(ValueError):  # it has ended already
            self._quic.stop_stream(stream, code)
        if not stream_is_unidirectional(stream):
            self._quic.reset_stream(stream, code)

    def _cut(self) -> None:
        self.close(error_code=ErrorCode.H3_EXCESSIVE_LOAD, reason_phrase="too much")

    # --- session.Way ----------------------------------------------------------------------------

    def waiting(self) -> int:
        """See session.Way. aioquic says it nowhere, hence the look inside."""
        streams = self._quic._streams.values()  # noqa: SLF001
        return sum(len(stream.sender._buffer) for stream in streams)  # noqa: SLF001

    def respond(self, stream: int, status: int, headers: Headers) -> None:
        """See session.Way."""
        if self._http is not None:
            self._http.send_headers(stream, [(b":status", b"%d" % status), *headers])
            self._transmit_soon()

    def send_data(self, stream: int, data: bytes, *, is_last: bool) -> None:
        """See session.Way."""
        if self._http is not None:
            with contextlib.suppress(ValueError, RuntimeError):  # the client has gone meanwhile
                self._http.send_data(stream, data, end_stream=is_last)
            self._transmit_soon()

    def open_stream(self, session: int) -> int:
        """See session.Way."""
        if self._http is None:
            raise RuntimeError("There is no session yet.")
        return self._http.create_webtransport_stream(session, is_unidirectional=True)

    def send(self, stream: int, data: bytes, *, is_last: bool = False) -> None:
        """See session.Way."""
        with contextlib.suppress(ValueError, RuntimeError):  # the client has stopped it meanwhile
            self._quic.send_stream_data(stream, data, end_stream=is_last)
        self._transmit_soon()

    def leave(self, *, soon: bool) -> None:
        """See session.Way."""
        if soon:
            self._later(LEAVES_AFTER_S, self.close)
        else:
            self.close()

    # --- its own time ---------------------------------------------------------------------------

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        if not self._closed.is_set():
            self._timers.append(self._loop.call_later(seconds, call))

    def _check_opened(self) -> None:
        if self._session is None or not self._session.is_open:
            self.close()

    def _ping(self) -> None:
        self._timers = [timer for timer in self._timers if timer.when() > self._loop.time()]
        self._quic.send_ping(0)
        self.transmit()
        self._later(PING_S, self._ping)

    def _end(self) -> None:
        for timer in self._timers:
            timer.cancel()
        if self._session is not None:
            self._session.end()
        self._on_gone(self)


def _scope(headers: Headers, client: NetworkAddress | None) -> dict[str, Any]:
    """As ASGI would have it. What proxies tell is left out: no proxy passes this on."""
    found = dict(headers)
    path, _, query = found.get(b":path", b"/").partition(b"?")
    shown = [
        (name, value)
        for name, value in headers
        if not name.startswith(b":") and not name.startswith(b"x-forwarded-") and name != b"host"
    ]
    return {
        "type": "webtransport",
        "path": unquote(path.decode("latin-1")),
        "query_string": query,
        "headers": [(b"host", found.get(b":authority", b"")), *shown],
        "client": (client[0], client[1]) if client else None,
        "extensions": {},
    }
