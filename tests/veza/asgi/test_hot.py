"""What is answered before the parser: never anything that the parser would have read otherwise."""

import asyncio
import re
from functools import partial
from itertools import pairwise

import pytest
import uvicorn
from hypothesis import example, given, settings
from hypothesis import strategies as st
from uvicorn.server import ServerState

from veza.kit.asgi import hot
from veza.kit.asgi.hot import Answering, Fields, Peer, answer_with, read_fields
from veza.kit.asgi.protocols import HttpProtocol

HOT = b"GET /api/v1/hot HTTP/1.1\r\nHost: a\r\n\r\n"
END = b"GET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
EARLY = b"POST /early HTTP/1.1\r\nHost: a\r\n"
POST = b"POST /whole HTTP/1.1\r\nHost: a\r\n"
UPGRADE = b"GET /api/v1/hot HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
PIECES = [
    HOT, HOT, HOT, END,
    b"GET /api/v1/cold HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /api/v1/hot?limit=5 HTTP/1.1\r\nHost: a:8000\r\nAccept: */*\r\n\r\n",
    b"GET /api/v1/hot HTTP/1.0\r\nHost: a\r\n\r\n",
    b"GET /api/v1/hot HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"GET /api/v1/hot HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    b"GET /api/v1/hot HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    UPGRADE,
    b"GET /api/v1/hot HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
    b"GET /api/v1/hot HTTP/1.1\nHost: a\n\n",
    b"GET /api/v1/hot HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
    b"GET  /api/v1/hot HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\r\n" + HOT,
    EARLY + b"Content-Length: %d\r\n\r\n" % len(HOT),
    EARLY + b"Transfer-Encoding: chunked\r\n\r\n",
    b"%x\r\n%b\r\n0\r\n\r\n" % (len(HOT), HOT),
    POST + b"Content-Length: %d\r\n\r\n" % len(HOT),
    POST + b"Content-Length: 5\r\n\r\nhello",
]  # fmt: skip


async def app(scope, receive, send):
    """Says what it was asked; /early answers before it has read the body."""
    body = b""
    while scope["path"] != "/early" and (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            break
    method = scope["method"].encode()
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    said = b"%b %b%b %b" % (method, scope["raw_path"], query, body.hex().encode())
    headers = [(b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said})


class Hot:
    """Answers as `app` would, for what it holds."""

    def __init__(self) -> None:
        self.answered = 0

    def plan(self, target: bytes, fields: Fields, peer: Peer) -> Answering | None:
        return partial(self.say, target) if target.startswith(b"/api/v1/hot") else None

    def say(self, target: bytes, defaults: bytes) -> bytes:
        self.answered += 1
        said = b"GET %b " % target
        return b"HTTP/1.1 200 OK\r\n%bcontent-length: %d\r\n\r\n%b" % (defaults, len(said), said)


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.waiting = 0
        self._is_closing = False

    def write(self, data):
        if not self._is_closing:
            self.written += data

    def write_eof(self):
        self._is_closing = True

    def close(self):
        self._is_closing = True

    abort = close

    def can_write_eof(self):
        return True

    def is_closing(self):
        return self._is_closing

    def get_write_buffer_size(self):
        return self.waiting

    def pause_reading(self):
        """It is given no more than it can take."""

    resume_reading = pause_reading


async def connected() -> HttpProtocol:
    config = uvicorn.Config(
        app, http=HttpProtocol, ws="none", lifespan="off", interface="asgi3", log_config=None,
        proxy_headers=False, access_log=False,
    )  # fmt: skip
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", b"now")]
    protocol = HttpProtocol(config=config, server_state=state, app_state={})
    protocol.connection_made(Transport())
    return protocol


Said = list[tuple[bytes, bytes]]


async def told(parts: list[bytes]) -> Said:
    """Statuses and bodies that a connection answers to these reads; of failures their codes."""
    protocol = await connected()
    for part in parts:
        if protocol.transport.is_closing():
            break
        protocol.data_received(part)
        for _ in range(40):
            await asyncio.sleep(0)
    written = protocol.transport.written  # type: ignore[attr-defined]
    protocol.transport.close()
    protocol.connection_lost(None)
    for task in protocol.tasks:
        task.cancel()
    found = []
    for answer in re.split(rb"HTTP/1\.1 (?=\d{3} )", written)[1:]:
        head, _, body = answer.partition(b"\r\n\r\n")
        code = re.search(rb'"code":"(\w+)"', body)
        found.append((head[:3], code[1] if code else body))
    return found


def both(parts: list[bytes]) -> tuple[Said, Said, int]:
    """With and without a reader, and how many answers the reader gave."""
    reader = Hot()
    answer_with(reader)
    try:
        quick = asyncio.run(told(parts))
    finally:
        answer_with(None)
    return quick, asyncio.run(told(parts)), reader.answered


def is_alike(parts: list[bytes]) -> bool:
    """As the server reads it without a reader. One that gets a malformed request while it makes an
    answer may close without it, so it is also asked bit by bit, and the truth lies between.
    """
    quick, slow, _ = both(parts)
    if quick == slow:  # also where a read's rest is dropped, as after an upgrade that is refused
        return True
    _, slowest, _ = both([bit for part in parts for bit in bits(part)])
    answers = [each for each in quick if each[0] < b"400"]
    return quick[: len(slow)] == slow and slowest[: len(answers)] == answers


def bits(part: bytes) -> list[bytes]:
    """Cut behind each empty line."""
    return [bit for bit in re.split(rb"(?<=\r\n\r\n)", part) if bit]


def split(stream: bytes, places: list[int]) -> list[bytes]:
    at = sorted({min(place, len(stream)) for place in places} | {0, len(stream)})
    return [stream[first:last] for first, last in pairwise(at)]


class TestTheSameAsTheParser:
    @settings(max_examples=300, deadline=None)
    @given(
        st.lists(st.sampled_from(PIECES), min_size=1, max_size=5),
        st.lists(st.integers(0, 400), max_size=4),
        st.lists(st.tuples(st.integers(0, 300), st.binary(max_size=3)), max_size=2),
    )
    @example([EARLY + b"Content-Length: %d\r\n\r\n" % len(HOT), HOT], [69], [])
    @example([b"GET /api/v1/hot HTTP/1.1\nHost: a\n\n", HOT], [], [])
    @example([EARLY + b"Transfer-Encoding: chunked\r\n\r\n", HOT], [65], [])
    @example([UPGRADE, END, HOT], [117], [])
    def test_whatever_is_sent(self, pieces, places, changes):
        stream = b"".join(pieces)
        for at, inserted in changes:
            stream = stream[:at] + inserted + stream[at + len(inserted) // 2 :]

        assert is_alike(split(stream, places))

    @pytest.mark.parametrize("piece", PIECES)
    def test_each_alone_and_again(self, piece):
        assert is_alike([piece, HOT, piece, HOT])

    def test_pipelined_requests_are_answered_in_their_order(self):
        cold = b"GET /api/v1/cold HTTP/1.1\r\nHost: a\r\n\r\n"

        quick, slow, answered = both([HOT + HOT + cold + HOT])

        assert quick == slow
        assert [status for status, _ in quick] == [b"200"] * 4
        assert answered == 2, "what follows a request that the application answers waits for it"

    def test_a_body_that_reads_like_a_request_is_a_body(self):
        parts = [EARLY + b"Content-Length: %d\r\n\r\n" % len(HOT), HOT, HOT]

        quick, slow, answered = both(parts)

        assert (quick == slow, answered) == (True, 1)

    async def test_a_client_that_does_not_read_is_left_to_the_server(self):
        reader = Hot()
        answer_with(reader)
        try:
            protocol = await connected()
            protocol.pause_writing()
            protocol.data_received(HOT)
        finally:
            answer_with(None)
            protocol.transport.close()
            protocol.connection_lost(None)

        assert reader.answered == 0


class TestWhatMayStandInARequest:
    @pytest.mark.parametrize(
        "line",
        [
            b"Authorization: Bearer x", b"Cookie: a=b", b"Content-Length: 0", b"Range: bytes=0-1",
            b"Transfer-Encoding: identity", b"Expect: 100-continue", b"Upgrade: websocket",
            b"Connection: close", b"Accept: text/html", b"Accept: application/json; indent=4",
            b"Host: b", b"X-Other: 1", b"Forwarded: for=1.1.1.1", b"Accept : */*", b" x: 1", b"x",
            b"X-Request-ID:", b"X-Request-ID: \xc3\xa9", b"User-Agent: a\rb", b"User-Agent: a\0b",
            b"User_Agent: a", b"If-Match: *", b"traceparent: 00-1-1-01",
        ],
    )  # fmt: skip
    def test_of_these_nothing_is_known(self, line):
        assert read_fields(b"Host: a\r\n" + line + b"\r\n") is None

    def test_a_browser_is_understood(self):
        fields = read_fields(
            b"Host: veza.example:8443\r\nConnection: keep-alive\r\nUser-Agent: Mozilla/5.0\r\n"
            b"Accept: text/html,application/xhtml+xml,image/webp,*/*;q=0.8\r\nDNT: 1\r\n"
            b"Origin: https://app.example\r\nX-Request-ID:  my own \r\n"
            b'if-none-match: "x", W/"y"\r\n'
        )

        assert fields == Fields(
            host=b"veza.example:8443", origin=b"https://app.example", request_id=b"my own",
            if_none_match=b'"x", W/"y"',
        )  # fmt: skip

    @pytest.mark.parametrize("lines", [b"", b"Accept: */*\r\n", b"Host: a/b\r\n", b"Host: a,b\r\n"])
    def test_one_host_is_needed(self, lines):
        assert read_fields(lines) is None

    def test_a_long_head_is_left_to_the_parser(self):
        path = hot.HotPath(Hot())
        head = b"GET /api/v1/hot HTTP/1.1\r\nHost: a\r\nUser-Agent: " + b"x" * 9000 + b"\r\n"

        assert path.find(head, Peer("", "http")) is None
