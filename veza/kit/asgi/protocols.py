"""uvicorn's HTTP protocol with limits of ours, and problem documents instead of plain text.

Whatever is wrong with a request before any application sees it (syntax, size, pace) is answered
here, and the connection ends. Written against uvicorn 0.54 (`httptools_impl`).
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from veza.kit.asgi import lifecycle
from veza.kit.asgi.hot import END, PREFIX, Answering, HotPath, Peer, hot_path
from veza.kit.asgi.port import EXTENSION
from veza.kit.asgi.refusals import RefusalError, request_id_of
from veza.kit.asgi.transport_ports import StreamPort

MAX_HEAD_BYTES = 64 * 1024
MAX_URL_BYTES = 16 * 1024
MAX_HEADERS = 100
HEAD_TIMEOUT_S = 15.0
STALL_TIMEOUT_S = 30.0
LINGER_S = 2.0
_SHOWN_PATH_BYTES = 200
_OF_BODIES = {b"content-length", b"transfer-encoding"}


class _LimitError(Exception):
    """Raised inside the parser's callbacks to make it stop."""


class HttpProtocol(HttpToolsProtocol):
    """One connection. Its clocks: HEAD_TIMEOUT_S for the head of a request and for a body that
    nobody reads any more, STALL_TIMEOUT_S for a client that does not take what it is sent, and
    uvicorn's `timeout_keep_alive` in between.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.url = b""
        self._received_bytes = 0
        self._parsed_bytes = 0
        self._is_in_head = False
        self._is_left = False
        self._refusal: RefusalError | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._unread = 0
        self._port: StreamPort | None = None
        self._is_between = True  # requests: the parser waits for the first byte of the next
        self._answered_at = 0.0
        self._peer = Peer("", "http")
        self._asked = b""
        """The last request that was answered from memory, or might have been, and by what."""
        self._answering: Answering | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._peer = Peer(self.client[0] if self.client else "", self.scheme or "http")
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._is_left = True
        self._unset_keepalive_if_required()
        self._stop_head_timer()
        self._stop_stall_timer()
        self._let_go()

    def data_received(self, data: bytes) -> None:
        if self._is_left:
            return
        if self._is_between and data.startswith(PREFIX) and not self.access_log:
            path = hot_path()
            if path is not None and not (data := self._answer_from_memory(data, path)):
                return
        super().data_received(data)
        if self._is_left or self.transport.is_closing():
            return
        if self._is_in_head:
            self._received_bytes += len(data)
            if self._received_bytes > MAX_HEAD_BYTES:  # one endless line reaches no callback
                self._refuse(_headers_too_large())
                return
        if self._head_timer is None and (self._is_in_head or self._is_idle()):
            self._start_head_timer()

    def handle_websocket_upgrade(self) -> None:
        """uvicorn would write the request anew, for the other parser to read it again."""
        self._is_left = True
        if not self.url.isascii() or any(name in _OF_BODIES for name, _ in self.headers):
            super().handle_websocket_upgrade()  # which refuses it
        else:
            self.connections.discard(self)
            protocol: Any = self.config.ws_protocol_class
            socket = protocol(self.config, self.server_state, self.app_state)
            socket.connection_made(self.transport)
            socket.take_handshake(self.scope["method"], self.url.decode(), self.headers)
            self.transport.set_protocol(socket)
        self._let_go()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head = True
        self._is_between = False
        self._received_bytes = self._parsed_bytes = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > MAX_URL_BYTES:
            self._stop_parsing(
                RefusalError(
                    status=414,
                    code="uri_too_long",
                    detail=f"An address has at most {MAX_URL_BYTES} bytes.",
                    closes=True,
                )
            )

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._parsed_bytes += len(name) + len(value) + 4  # ": " and the end of the line
        if len(self.headers) > MAX_HEADERS or self._parsed_bytes > MAX_HEAD_BYTES:
            self._stop_parsing(_headers_too_large())

    def on_headers_complete(self) -> None:
        if self.parser.get_http_version() not in ("1.0", "1.1"):
            self._stop_parsing(_malformed())
        self._is_in_head = False
        self._stop_head_timer()
        if self.parser.should_upgrade() and self._should_upgrade():
            super().on_headers_complete()
            return
        port = StreamPort(self)
        extensions: Any = {EXTENSION: port}
        self.scope["extensions"] = extensions
        super().on_headers_complete()
        self._port, port.cycle = port, self.cycle

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._is_between = self.parser.should_keep_alive() and not self.parser.should_upgrade()

    def send_400_response(self, msg: str) -> None:
        """uvicorn calls this when the parser gives up, be it for a limit of ours."""
        self._refuse(self._refusal or _malformed())

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self._unsent
        self._watch_for_stall()
        if self._port is not None:
            self._port.pause(is_paused=True)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_stall_timer()
        if self._port is not None:
            self._port.pause(is_paused=False)

    def has_written(self, size: int) -> None:
        """So many bytes more wait for a client that reads too slowly; else its reading would not
        show in what waits for it.
        """
        self._unread += size

    def timeout_keep_alive_handler(self) -> None:
        idle_s = self.loop.time() - self._answered_at
        if idle_s < self.timeout_keep_alive:  # answered from memory since
            self._keep_alive_for(self.timeout_keep_alive - idle_s)
        elif self.flow.write_paused:  # still reading the last answer: the other clock is running
            self._keep_alive_for(self.timeout_keep_alive)
        elif self.transport.get_write_buffer_size():
            self.transport.abort()  # close() would wait until the client has read
        else:
            super().timeout_keep_alive_handler()

    def _let_go(self) -> None:
        """End what points in circles, so that the collector of garbage need not find them."""
        if self._port is not None:
            self._port.is_open = False
        unset: Any = None
        self.parser = self.cycle = self.scope = self._port = unset
        self.pipeline.clear()

    def _answer_from_memory(self, data: bytes, path: HotPath) -> bytes:
        """Answer the requests at the beginning of `data` as far as `path` can; what is left."""
        at, size = 0, len(data)
        lines = path.lines(self.server_state.default_headers)
        while at < size and data.startswith(PREFIX, at) and self._may_answer():
            end = data.find(END, at)
            if end < 0:
                break
            head = data[at : end + 2]
            if head != self._asked:
                self._asked, self._answering = head, path.find(head, self._peer)
            if self._answering is None or (answer := self._answering(lines)) is None:
                break
            self.transport.write(answer)
            self.server_state.total_requests += 1
            at = end + len(END)
        if at:
            if self._head_timer is not None:
                self._stop_head_timer()
            self._answered_at = self.loop.time()
            if self.timeout_keep_alive_task is None:
                self._keep_alive_for(self.timeout_keep_alive)
        return data[at:]

    def _may_answer(self) -> bool:
        """Whether nothing else is being answered, and the client takes what it is sent."""
        return (
            (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
            and not self.transport.is_closing()
            and not lifecycle.is_stopping()
        )

    def _keep_alive_for(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _stop_parsing(self, refusal: RefusalError) -> None:
        self._refusal = refusal
        raise _LimitError

    def _refuse(self, refusal: RefusalError) -> None:
        """End the connection with `refusal`, unless an answer to an earlier request is under way:
        two answers must not mix, so that one is finished and this request gets none.
        """
        self._is_left = True
        self._stop_head_timer()
        cycle = self.cycle
        is_own = cycle is not None and cycle.scope is self.scope  # its head was complete
        if cycle is not None and not cycle.response_complete:
            if not is_own and not self.pipeline:
                cycle.keep_alive = False
                return
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started or self.pipeline:
                self.transport.close()
                return
        self._write(refusal)

    def _write(self, refusal: RefusalError) -> None:
        request_id = request_id_of(self.headers or ())
        path = self.url.partition(b"?")[0][:_SHOWN_PATH_BYTES].decode("latin-1")
        body = refusal.body(path=path, request_id=request_id)
        fields = [
            *self.server_state.default_headers,
            *refusal.headers(body=body, request_id=request_id),
        ]
        head = b"".join(name + b": " + value + b"\r\n" for name, value in fields)
        self.transport.write(STATUS_LINE[refusal.status] + head + b"\r\n" + body)
        self._linger()

    def _linger(self) -> None:
        """Closed at once, with bytes of the client unread, the kernel would take the answer back
        (RST); so only our side ends now, and the client has a moment to read.
        """
        self._unset_keepalive_if_required()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._head_timer = self.loop.call_later(LINGER_S, self.transport.abort)

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._head_is_late)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._is_in_head:
            self._refuse(
                RefusalError(
                    status=408,
                    code="request_timeout",
                    detail=f"The head of a request must arrive within {HEAD_TIMEOUT_S:.0f} s.",
                    closes=True,
                )
            )
        else:
            self.transport.abort()

    @property
    def _unsent(self) -> int:
        return self.transport.get_write_buffer_size()

    def _watch_for_stall(self) -> None:
        self._stop_stall_timer()
        self._stall_timer = self.loop.call_later(STALL_TIMEOUT_S, self._check_stall, self._unsent)

    def _check_stall(self, unsent_before: int) -> None:
        if self._unsent >= max(unsent_before, self._unread):
            self.transport.abort()
        else:
            self._unread = self._unsent
            self._watch_for_stall()

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None


def _malformed() -> RefusalError:
    return RefusalError(
        status=400,
        code="malformed_request",
        detail="This is not a well-formed HTTP/1.1 request.",
        closes=True,
    )


def _headers_too_large() -> RefusalError:
    return RefusalError(
        status=431,
        code="headers_too_large",
        detail=f"A request has at most {MAX_HEADERS} headers and {MAX_HEAD_BYTES} bytes of them.",
        closes=True,
    )
