"""A WebTransport client over aioquic, which can also do what no browser does."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.buffer import encode_uint_var
from aioquic.h3.connection import H3_ALPN, FrameType, H3Connection
from aioquic.h3.events import (
    DataReceived,
    H3Event,
    HeadersReceived,
    WebTransportStreamDataReceived,
)
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import NetworkAddress
from aioquic.quic.events import ConnectionTerminated, QuicEvent, StreamReset

from tests.patience import PATIENCE_S

Frame = dict[str, Any]


class WebTransportClient(QuicConnectionProtocol):
    """One connection with one session on it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.http = H3Connection(self._quic, enable_webtransport=True)
        self.status = 0
        self.body = b""
        self.answers: list[Frame] = []
        """What came on the stream of the commands."""
        self.streams: dict[int, list[Frame]] = {}
        """What came on each stream of the server, and nothing for one that has just begun."""
        self.ended: set[int] = set()
        self.ending: tuple[int, str] | None = None
        """Code and reason with which the server closed the session."""
        self.is_gone = False
        self.reset_streams: dict[int, int] = {}
        self.session = 0
        self.control: int | None = None
        self.on_line: Callable[[Frame], None] | None = None
        """Told of every message instead of keeping it."""
        self._rests: dict[int, bytes] = {}
        self.is_deaf = False
        """Whether what comes is not even read."""
        self._news = asyncio.Event()

    async def open(self, path: str, *, headers: dict[str, str], port: int) -> int:
        """Ask for a session; the status of the answer."""
        self.session = self._quic.get_next_available_stream_id()
        asked = {
            ":method": "CONNECT", ":scheme": "https", ":authority": f"127.0.0.1:{port}",
            ":path": path, ":protocol": "webtransport", **headers,
        }  # fmt: skip
        self.http.send_headers(
            self.session, [(name.encode(), value.encode()) for name, value in asked.items()]
        )
        self.transmit()
        await self.until(lambda: bool(self.status) or self.is_gone)
        return self.status

    def say(self, **frame: Any) -> None:
        """One command, as a line on the stream for them."""
        self.send(json.dumps(frame).encode() + b"\n")

    def send(self, data: bytes) -> None:
        """Any bytes on the stream of the commands, which is opened at the first."""
        if self.control is None:
            self.control = self.open_stream()
        self._quic.send_stream_data(self.control, data)
        self.transmit()

    def open_stream(self, *, is_unidirectional: bool = False) -> int:
        """A stream of the session."""
        if is_unidirectional:
            return self.http.create_webtransport_stream(self.session, is_unidirectional=True)
        # aioquic's own does not know its stream again when answers come on it
        stream = self._quic.get_next_available_stream_id()
        head = encode_uint_var(FrameType.WEBTRANSPORT_STREAM) + encode_uint_var(self.session)
        self._quic.send_stream_data(stream, head)
        with self.http._get_or_create_stream(stream) as known:
            known.frame_type = FrameType.WEBTRANSPORT_STREAM
            known.session_id = self.session
        return stream

    def write(self, stream: int, data: bytes) -> None:
        """Any bytes on any stream."""
        self._quic.send_stream_data(stream, data)
        self.transmit()

    def stop(self, stream: int) -> None:
        """Take no more of a stream of the server's."""
        self._quic.stop_stream(stream, 0)
        self.transmit()

    async def ask(self, **frame: Any) -> Frame:
        """A command and what comes next on its stream."""
        count = len(self.answers)
        self.say(**frame)
        await self.until(lambda: len(self.answers) > count)
        return self.answers[count]

    async def subscribe(self, room: str, **more: Any) -> Frame:
        """The `data` of the acknowledgement."""
        answer = await self.ask(type="subscribe", room=room, **more)
        assert answer["type"] == "ack", answer
        data: Frame = answer["data"]
        return data

    def told(self, room: str) -> list[Frame]:
        """All messages of a room so far, on whatever stream."""
        return [line for lines in self.streams.values() for line in lines if line["room"] == room]

    async def until(self, is_so: Any, *, within_s: float = PATIENCE_S) -> None:
        """Until it is so; looked at again whenever something has come."""
        async with asyncio.timeout(within_s):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    async def end(self) -> tuple[int, str] | None:
        """How the server closed the session; None where it cut the connection."""
        await self.until(lambda: self.ending is not None or self.is_gone)
        return self.ending

    def datagram_received(self, data: bytes | str, addr: NetworkAddress) -> None:
        """See QuicConnectionProtocol."""
        if not self.is_deaf:
            super().datagram_received(data, addr)

    def quic_event_received(self, event: QuicEvent) -> None:
        """See QuicConnectionProtocol."""
        if isinstance(event, ConnectionTerminated):
            self.is_gone = True
        if isinstance(event, StreamReset):
            self.reset_streams[event.stream_id] = event.error_code
        for each in self.http.handle_event(event):
            self._take(each)
        self._news.set()

    def _take(self, event: H3Event) -> None:
        if isinstance(event, HeadersReceived):
            self.status = int(dict(event.headers)[b":status"])
        elif isinstance(event, DataReceived):
            self.body += event.data
            if event.stream_ended and self.status == 200 and len(self.body) >= 7:
                size = 1 if self.body[2] < 0x40 else 2
                code = int.from_bytes(self.body[2 + size : 6 + size], "big")
                self.ending = (code, self.body[6 + size :].decode())
        elif isinstance(event, WebTransportStreamDataReceived):
            self._take_lines(event)

    def _take_lines(self, event: WebTransportStreamDataReceived) -> None:
        *lines, rest = (self._rests.get(event.stream_id, b"") + event.data).split(b"\n")
        self._rests[event.stream_id] = rest
        found = [json.loads(line) for line in lines]
        if event.stream_id == self.control:
            self.answers += found
        elif self.on_line is not None:
            for each in found:
                self.on_line(each)
        else:
            self.streams.setdefault(event.stream_id, []).extend(found)
        if event.stream_ended:
            self.ended.add(event.stream_id)


def configuration(**changes: Any) -> QuicConfiguration:
    """As a browser that pins the certificate: its name and authority are not looked at."""
    return QuicConfiguration(
        is_client=True, alpn_protocols=H3_ALPN, verify_mode=ssl.CERT_NONE,
        max_datagram_frame_size=65536, **changes,
    )  # fmt: skip


@asynccontextmanager
async def connected(port: int, **changes: Any) -> AsyncIterator[WebTransportClient]:
    """A connection without a session yet."""
    async with connect(
        "127.0.0.1", port, configuration=configuration(**changes),
        create_protocol=WebTransportClient,
    ) as client:  # fmt: skip
        assert isinstance(client, WebTransportClient)
        yield client


@asynccontextmanager
async def opened(
    port: int, path: str = "/wt", *, token: str = "", headers: dict[str, str] | None = None,
    **changes: Any,
) -> AsyncIterator[WebTransportClient]:  # fmt: skip
    """A session, with a token in the header if there is one."""
    more = {"authorization": f"Bearer {token}"} if token else {}
    async with connected(port, **changes) as client:
        await client.open(path, headers={**(headers or {}), **more}, port=port)
        yield client
