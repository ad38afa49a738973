"""The bridge under our server, with small WSGI applications behind it."""

import hashlib
import io
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.patience import PATIENCE_S
from tests.veza.asgi.serving import TEXT, bridged, served
from tests.veza.asgi.wire import Wire, request, until
from veza.kit.asgi.bridge import WSGIBridge
from veza.kit.context import bind_request_id, current_request_id


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    start_response("200 OK", [("X-Length", environ["CONTENT_LENGTH"]), *TEXT])
    return [hashlib.sha256(body).hexdigest().encode()]


def digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(c), c) for c in chunks) + b"0\r\n\r\n"


class Closable:
    """An iterable that remembers in which thread it was closed."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.chunks = iter(chunks)
        self.closed_in = ""

    def __iter__(self) -> Iterator[bytes]:
        return self.chunks

    def close(self) -> None:
        self.closed_in = threading.current_thread().name


class TestBody:
    @pytest.mark.parametrize("size", [0, 1, 70_000, 1024**2, 3 * 1024**2 + 1])
    def test_arrives_whole(self, size):
        body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        with bridged(echo) as port, Wire(port) as wire:
            answer = wire.get("/", method="POST", body=body)
            assert (answer.status, answer.body) == (200, digest(body))
            assert answer.headers["x-length"] == str(size)

    def test_in_chunks_gets_a_length(self):
        with bridged(echo) as port, Wire(port) as wire:
            wire.send(request("/", "Transfer-Encoding: chunked", method="POST"))
            answer = wire.send(chunked(b"ab" * 40_000, b"c", b"d" * 1_500_000)).answer()
            assert answer.body == digest(b"ab" * 40_000 + b"c" + b"d" * 1_500_000)
            assert answer.headers["x-length"] == "1580001"

    def test_over_the_limit_is_413_on_a_connection_that_lives_on(self):
        with bridged(echo, max_body_bytes=1000) as port, Wire(port) as wire:
            answer = wire.get("/up", method="POST", body=b"x" * 3_000_000)
            assert answer.status == 413
            assert answer.document["code"] == "body_too_large"
            assert answer.document["instance"] == "/up"
            assert wire.get("/", method="POST", body=b"y").body == digest(b"y")

    def test_over_the_limit_in_chunks_is_413(self):
        with bridged(echo, max_body_bytes=1000) as port, Wire(port) as wire:
            wire.send(request("/", "Transfer-Encoding: chunked", method="POST"))
            answer = wire.send(chunked(*[b"x" * 900] * 3)).answer()
            assert answer.document["code"] == "body_too_large"

    def test_over_the_limit_is_not_even_asked_for(self):
        with bridged(echo, max_body_bytes=1000) as port, Wire(port) as wire:
            head = request("/", "Expect: 100-continue", "Content-Length: 5000", method="PUT")
            answer = wire.send(head).answer()
            assert answer.status == 413
            assert wire.rest() == b""

    def test_that_never_ends_times_out_and_takes_no_thread(self):
        with bridged(echo, threads=1, timeout_s=0.5) as port, Wire(port) as slow:
            slow.send(request("/", "Content-Length: 10", method="POST") + b"abc")
            with Wire(port) as other:
                assert other.get("/").status == 200
            answer = slow.answer()
            assert answer.status == 503
            assert answer.document["code"] == "request_timeout"
            assert answer.headers["connection"] == "close"
            assert slow.rest() == b""

    def test_aborted_in_the_middle_reaches_no_application(self):
        calls = []

        def app(environ, start_response):
            calls.append(environ["PATH_INFO"])
            return echo(environ, start_response)

        with bridged(app) as port:
            with Wire(port) as wire:
                wire.send(request("/aborted", "Content-Length: 10", method="POST") + b"abc")
            with Wire(port) as wire:
                assert wire.get("/whole").status == 200
        assert calls == ["/whole"]


class TestEnviron:
    def seen(self, *headers: str, path: str = "/") -> tuple[int, dict[str, Any]]:
        found: dict[str, Any] = {}

        def app(environ, start_response):
            found.update(environ)
            start_response("204 No Content", [])
            return []

        with bridged(app) as port, Wire(port) as wire:
            status = wire.get(path, *headers).status
        return status, found

    def test_underscores_cannot_pass_for_hyphens(self):
        _, environ = self.seen("X_Forwarded_For: 6.6.6.6", "X-Forwarded-For: 1.1.1.1")
        assert environ["HTTP_X_FORWARDED_FOR"] == "1.1.1.1"

    def test_lines_of_one_name_are_joined(self):
        _, environ = self.seen("Accept: a", "Accept: b", "Cookie: c=1", "Cookie: d=2")
        assert environ["HTTP_ACCEPT"] == "a,b"
        assert environ["HTTP_COOKIE"] == "c=1; d=2"

    def test_what_would_steer_the_server_is_dropped(self):
        _, environ = self.seen("Proxy: http://evil")
        assert "HTTP_PROXY" not in environ

    def test_two_hosts_are_refused(self):
        status, environ = self.seen("Host: other")
        assert (status, environ) == (400, {})

    def test_no_host_is_refused(self):
        with bridged(echo) as port, Wire(port) as wire:
            answer = wire.send(b"GET / HTTP/1.1\r\n\r\n").answer()
            assert (answer.status, answer.document["code"]) == (400, "malformed_request")

    def test_path_keeps_its_bytes(self):
        _, environ = self.seen(path="/caf%C3%A9/%FF?q=%C3%A9&r")
        assert environ["PATH_INFO"].encode("latin-1") == b"/caf\xc3\xa9/\xff"
        assert environ["QUERY_STRING"] == "q=%C3%A9&r"

    def test_request_id_of_the_client_is_kept_and_a_bad_one_replaced(self):
        assert self.seen("X-Request-ID: mine-1")[1]["HTTP_X_REQUEST_ID"] == "mine-1"
        replaced = self.seen("X-Request-ID: " + "x" * 65)[1]["HTTP_X_REQUEST_ID"]
        assert len(replaced) == 36


class TestAnswer:
    def test_head_has_the_headers_of_get_and_no_body(self):
        def app(environ, start_response):
            start_response("200 OK", TEXT)
            return [b"hello ", b"there"]

        with bridged(app) as port, Wire(port) as wire:
            head = wire.get("/", method="HEAD")
            get = wire.get("/")
            assert (head.body, head.headers["content-length"]) == (b"", "11")
            assert get.body == b"hello there"

    @pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
    def test_has_no_body_where_http_has_none(self, status):
        def app(environ, start_response):
            start_response(status, [("Content-Length", "5")])
            return [b"hello"]

        with bridged(app) as port, Wire(port) as wire:
            assert "content-length" not in wire.get("/").headers
            assert wire.get("/").status == int(status[:3])

    def test_exception_is_500_without_insides(self):
        def app(environ, start_response):
            raise ValueError("the password is hunter2")

        with bridged(app) as port, Wire(port) as wire:
            answer = wire.get("/x", "X-Request-ID: r1")
            assert answer.status == 500
            assert answer.document["code"] == "server_error"
            assert answer.document["request_id"] == answer.headers["x-request-id"] == "r1"
            assert b"hunter2" not in answer.body
            assert wire.get("/y").status == 500  # the connection, and the thread, live on

    def test_exception_before_the_first_chunk_is_500(self):
        def app(environ, start_response):
            start_response("200 OK", TEXT)
            raise ValueError
            yield b""

        with bridged(app) as port, Wire(port) as wire:
            assert wire.get("/").status == 500

    def test_exception_after_the_first_chunk_breaks_the_answer(self):
        def app(environ, start_response):
            start_response("200 OK", TEXT)
            yield b"begun"
            raise ValueError

        with bridged(app) as port, Wire(port) as wire:
            answer = wire.get("/")
            assert (answer.status, answer.is_whole) == (200, False)

    def test_generator_is_sent_while_it_goes_on(self):
        go_on = threading.Event()
        chunks = Closable(
            b"%d," % n if n != 1 or go_on.wait(PATIENCE_S) else b"late" for n in range(500)
        )

        def app(environ, start_response):
            start_response("200 OK", TEXT)
            return chunks

        with bridged(app) as port, Wire(port) as wire:
            wire.send(request("/"))
            first = wire.socket.recv(65536)
            while b"0," not in first:
                first += wire.socket.recv(65536)
            go_on.set()
            wire._rest = first
            assert wire.answer().body == b"".join(b"%d," % n for n in range(500))
            until(lambda: chunks.closed_in)
        assert chunks.closed_in.startswith("django-")

    def test_generator_ends_when_the_client_goes(self):
        chunks = Closable(iter(lambda: b"x" * 10_000, None))

        def app(environ, start_response):
            start_response("200 OK", TEXT)
            return chunks

        with bridged(app) as port:
            with Wire(port) as wire:
                wire.send(request("/")).socket.recv(1000)
            until(lambda: chunks.closed_in)
        assert chunks.closed_in.startswith("django-")

    def test_slow_generator_does_not_hold_the_loop_when_the_client_goes(self):
        release, ended = threading.Event(), threading.Event()

        def app(environ, start_response):
            start_response("200 OK", TEXT)
            yield b"first"
            release.wait(PATIENCE_S)
            yield b"second"

        bridge = WSGIBridge(app, threads=1, timeout_s=10)

        async def watched(scope, receive, send):
            await bridge(scope, receive, send)
            ended.set()

        with served(watched) as port:
            with Wire(port) as wire:
                wire.send(request("/")).socket.recv(1000)
            assert ended.wait(PATIENCE_S)
            assert not release.is_set()
            release.set()

    def test_generator_ends_when_the_client_stops_reading(self, monkeypatch):
        monkeypatch.setattr("veza.kit.asgi.bridge.SEND_TIMEOUT_S", 0.2)
        monkeypatch.setattr("veza.kit.asgi.protocols.STALL_TIMEOUT_S", 0.2)
        chunks = Closable(iter(lambda: b"x" * 1_000_000, None))

        def app(environ, start_response):
            start_response("200 OK", TEXT)
            return chunks

        with bridged(app) as port, Wire(port) as wire:
            wire.send(request("/"))
            until(lambda: chunks.closed_in)
            assert wire.answer().is_whole is False

    @pytest.mark.parametrize("kind", ["file", "memory"])
    def test_file_takes_no_thread_while_it_is_sent(self, kind, tmp_path):
        content = bytes(range(256)) * 40_000
        (tmp_path / "file").write_bytes(content)
        files = []

        def app(environ, start_response):
            if environ["PATH_INFO"] == "/small":
                return echo(environ, start_response)
            on_disk = (tmp_path / "file").open("rb")
            files.append(on_disk if kind == "file" else io.BytesIO(content))
            if kind == "memory":
                on_disk.close()
            start_response("200 OK", [("Content-Length", str(len(content)))])
            return environ["wsgi.file_wrapper"](files[-1], 8192)

        with bridged(app, threads=1) as port, Wire(port) as wire:
            wire.send(request("/large"))
            with Wire(port) as other:
                assert other.get("/small").status == 200
            assert not files[0].closed
            assert wire.answer().body == content
            until(lambda: files[0].closed)

    def test_file_is_closed_when_the_client_goes(self):
        files = []

        def app(environ, start_response):
            sparse = tempfile.TemporaryFile()  # noqa: SIM115 - the bridge closes it
            sparse.truncate(1024**3)
            files.append(sparse)
            start_response("200 OK", [("Content-Length", str(1024**3))])
            return environ["wsgi.file_wrapper"](sparse)

        with bridged(app) as port:
            with Wire(port) as wire:
                wire.send(request("/")).socket.recv(1000)
            until(lambda: files and files[0].closed)

    def test_head_of_a_file_closes_it_unread(self):
        file = io.BytesIO(b"hello")

        def app(environ, start_response):
            start_response("200 OK", [("Content-Length", "5")])
            return environ["wsgi.file_wrapper"](file)

        with bridged(app) as port, Wire(port) as wire:
            assert wire.get("/", method="HEAD").headers["content-length"] == "5"
            until(lambda: file.closed)

    def test_context_of_the_connection_is_seen_and_does_not_stay(self):
        seen = []

        def app(environ, start_response):
            seen.append(current_request_id())
            return echo(environ, start_response)

        bridge = WSGIBridge(app, threads=1, timeout_s=10)

        async def with_context(scope, receive, send):
            if scope["path"] == "/bound":
                with bind_request_id("outer"):
                    await bridge(scope, receive, send)
            else:
                await bridge(scope, receive, send)

        with served(with_context) as port, Wire(port) as wire:
            wire.get("/bound")
            wire.get("/free")
        assert seen == ["outer", ""]


def test_legacy_write_callable_is_served():
    def app(environ, start_response):
        write = start_response("200 OK", TEXT)
        write(b"a")
        write(b"b")
        return [b"c"]

    with bridged(app) as port, Wire(port) as wire:
        assert wire.get("/").body == b"abc"


def test_answer_without_start_response_is_500():
    with bridged(lambda environ, start_response: [b"x"]) as port, Wire(port) as wire:
        assert wire.get("/").status == 500
