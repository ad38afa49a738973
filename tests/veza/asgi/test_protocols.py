"""Requests that are wrong before any application sees them, as bytes on a socket."""

import pytest

from tests.veza.asgi.serving import served
from tests.veza.asgi.wire import Answer, Wire, request, until
from veza.kit.asgi import protocols
from veza.kit.asgi.bridge import WSGIBridge

PATHS: list[str] = []


def app(environ, start_response):
    PATHS.append(environ["PATH_INFO"])
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"got " + body]


@pytest.fixture
def port():
    PATHS.clear()
    with served(WSGIBridge(app, threads=2, timeout_s=5)) as port:
        yield port


def refused(port: int, content: bytes) -> Answer:
    """The one answer to `content`, which must also be the end of the connection."""
    with Wire(port) as wire:
        answer = wire.send(content).answer()
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["connection"] == "close"
        assert "server" not in answer.headers
        assert answer.document["request_id"] == answer.headers["x-request-id"]
        assert wire.rest() == b""
    return answer


MALFORMED = {
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 40,
    "an old protocol": b"GET /\r\n\r\n",
    "a later protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no such version": b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    "a space in a name": b"GET / HTTP/1.1\r\nHost: a\r\nX Y: 1\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello",
    "a NUL byte in a value": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    "a NUL byte in the address": b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a folded line": b"GET / HTTP/1.1\r\nHost: a\r\n\tb\r\n\r\n",
    "no address": b"GET  HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tunnel": b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a bare CR": b"GET / HTTP/1.1\rHost: a\r\n\r\n",
}
NEXT = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
SMUGGLING = {
    "length and coding": POST
    + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    + NEXT,
    "coding and length": POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n"
    + NEXT,
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: 36\r\n\r\n" + NEXT,
    "two lengths in one line": POST + b"Content-Length: 0, 36\r\n\r\n" + NEXT,
    "a signed length": POST + b"Content-Length: +0\r\n\r\n" + NEXT,
    "a negative length": POST + b"Content-Length: -1\r\n\r\n" + NEXT,
    "a length in hexadecimal": POST + b"Content-Length: 0x0\r\n\r\n" + NEXT,
    "an endless length": POST + b"Content-Length: 99999999999999999999999\r\n\r\n" + NEXT,
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + NEXT,
    "chunked, but not last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + NEXT,
    "a bare LF": b"POST / HTTP/1.1\nHost: a\nContent-Length: 0\n\n" + NEXT,
    "a bare LF after a header": POST + b"X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + NEXT,
    "a chunk size with a sign": POST + b"Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n" + NEXT,
    "a chunk size in 0x": POST + b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + NEXT,
    "a chunk ended by LF": POST + b"Transfer-Encoding: chunked\r\n\r\n1\nA\n0\n\n" + NEXT,
    "a chunk longer than it says": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nAB\r\n0\r\n\r\n",
    "a chunk size that overflows": POST
    + b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n"
    + NEXT,
}


class TestMalformed:
    @pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
    def test_is_400_and_the_end(self, port, content):
        answer = refused(port, content)
        assert (answer.status, answer.document["code"]) == (400, "malformed_request")
        assert PATHS == []

    @pytest.mark.parametrize("content", SMUGGLING.values(), ids=SMUGGLING)
    def test_hides_no_second_request(self, port, content):
        answer = refused(port, content)
        assert (answer.status, answer.document["code"]) == (400, "malformed_request")
        assert PATHS == []

    def test_chunk_extension_is_ignored(self, port):
        content = POST + b"Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nhi\r\n0;c\r\nX: y\r\n\r\n"
        with Wire(port) as wire:
            assert wire.send(content).answer().body == b"got hi"

    def test_second_request_does_not_spoil_the_first(self, port):
        with Wire(port) as wire:
            wire.send(request("/first") + b"NONSENSE\r\n\r\n")
            assert wire.answer().body == b"got "
            assert wire.rest() == b""

    def test_requests_in_a_row_are_answered_in_order(self, port):
        with Wire(port) as wire:
            wire.send(b"".join(request("/", method="POST", body=b"%d" % n) for n in range(5)))
            assert [wire.answer().body for _ in range(5)] == [b"got %d" % n for n in range(5)]

    def test_id_of_the_client_is_named(self, port):
        answer = refused(port, b"GET / HTTP/1.1\r\nX-Request-ID: abc\r\nHost: a\r\nX Y: 1\r\n\r\n")
        assert answer.document["request_id"] == "abc"


class TestTooLarge:
    def test_header_is_431(self, port):
        answer = refused(port, request("/p?q=1", "X: " + "y" * 70_000))
        assert (answer.status, answer.document["code"]) == (431, "headers_too_large")

    def test_header_without_an_end_is_431(self, port):
        answer = refused(port, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 200_000)
        assert answer.status == 431

    def test_many_headers_are_431(self, port):
        answer = refused(port, request("/p", *[f"X-{n}: y" for n in range(100)]))
        assert answer.status == 431
        assert answer.document["instance"] == "/p"

    def test_address_is_414(self, port):
        answer = refused(port, request("/" + "x" * 20_000))
        assert (answer.status, answer.document["code"]) == (414, "uri_too_long")

    def test_address_without_an_end_is_414(self, port):
        assert refused(port, b"GET /" + b"x" * 300_000).status == 414

    def test_endless_first_word_is_refused(self, port):
        assert refused(port, b"G" * 300_000).status == 400

    def test_just_within_the_limits_passes(self, port):
        fields = [f"X-{n}: {'y' * 600}" for n in range(99)]
        with Wire(port) as wire:
            assert wire.get("/" + "x" * 16_000, *fields).status == 200


class TestSlow:
    @pytest.fixture(autouse=True)
    def _short_clocks(self, monkeypatch):
        monkeypatch.setattr(protocols, "HEAD_TIMEOUT_S", 1.0)
        monkeypatch.setattr(protocols, "LINGER_S", 0.3)

    def test_head_is_408_and_the_end(self, port):
        answer = refused(port, b"GET / HTTP/1.1\r\nHost: a\r\nX: y")
        assert (answer.status, answer.document["code"]) == (408, "request_timeout")

    def test_head_of_a_second_request_is_408_too(self, port):
        with Wire(port) as wire:
            assert wire.get("/").status == 200
            assert wire.send(b"GET / HT").answer().status == 408

    def test_silence_is_closed(self, port):
        with Wire(port) as wire:
            assert wire.rest() == b""

    def test_one_byte_at_a_time_wins_no_time(self, port):
        closed: list[bool] = []

        def drip(wire: Wire) -> list[bool]:
            try:
                wire.send(b"x")
            except OSError:
                closed.append(True)
            return closed

        with Wire(port) as wire:
            wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
            until(lambda: drip(wire))

    def test_rest_of_a_refused_body_is_not_waited_for(self):
        with served(WSGIBridge(app, threads=1, timeout_s=0.2)) as port, Wire(port) as wire:
            wire.send(request("/", "Content-Length: 100", method="POST") + b"x")
            assert wire.answer().status == 503
            assert wire.rest() == b""

    def test_answer_is_given_time(self, port):
        with Wire(port) as wire:
            wire.send(request("/", "Content-Length: 2", method="POST") + b"x")
            with Wire(port) as other:
                until(lambda: other.socket.recv(1) == b"")  # by now the clock for heads has run out
            assert wire.send(b"y").answer().body == b"got xy"
