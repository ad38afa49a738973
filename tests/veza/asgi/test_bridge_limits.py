"""What the bridge does when requests are late, or too many."""

import io
import threading
import time

from tests.patience import PATIENCE_S
from tests.veza.asgi.serving import TEXT, bridged, served
from tests.veza.asgi.test_bridge import Closable, echo
from tests.veza.asgi.wire import Wire, request, until
from veza.kit.asgi.bridge import WSGIBridge


class TestTimeLimit:
    def test_ends_the_request_and_not_the_thread(self):
        release = threading.Event()
        late = Closable([b"too late"])

        def app(environ, start_response):
            if environ["PATH_INFO"] == "/slow":
                release.wait(PATIENCE_S)
                start_response("200 OK", TEXT)
                return late
            return echo(environ, start_response)

        with bridged(app, timeout_s=0.5) as port, Wire(port) as wire:
            answer = wire.get("/slow")
            assert (answer.status, answer.document["code"]) == (503, "request_timeout")
            release.set()
            until(lambda: late.closed_in)
            assert wire.get("/").status == 200  # nothing of the late answer is on the wire
        assert late.closed_in.startswith("django-")

    def test_of_a_file_that_comes_too_late_closes_it(self):
        file, release = io.BytesIO(b"x"), threading.Event()

        def app(environ, start_response):
            release.wait(PATIENCE_S)
            start_response("200 OK", TEXT)
            return environ["wsgi.file_wrapper"](file)

        with bridged(app, timeout_s=0.3) as port, Wire(port) as wire:
            assert wire.get("/").status == 503
            release.set()
            until(lambda: file.closed)

    def test_does_not_end_a_stream_that_has_begun(self):
        def app(environ, start_response):
            start_response("200 OK", TEXT)
            for _ in range(8):
                yield b"x"
                time.sleep(0.3)  # eight of them take longer than an answer may

        with bridged(app, timeout_s=2) as port, Wire(port) as wire:
            assert wire.get("/").body == b"x" * 8


class TestLine:
    def test_serves_more_requests_than_threads(self):
        together = threading.Barrier(2, timeout=PATIENCE_S)

        def app(environ, start_response):
            together.wait()
            return echo(environ, start_response)

        with bridged(app, threads=2) as port:
            wires = [Wire(port).send(request("/")) for _ in range(8)]
            assert [wire.answer().status for wire in wires] == [200] * 8
            for wire in wires:
                wire.socket.close()

    def test_that_is_full_refuses_at_once(self):
        release = threading.Event()

        def app(environ, start_response):
            release.wait(PATIENCE_S)
            return echo(environ, start_response)

        bridge = WSGIBridge(app, threads=1, timeout_s=10, max_waiting=2)
        with served(bridge) as port:
            wires = [Wire(port).send(request("/"))]
            until(lambda: bridge._threads._is_started and not bridge._threads.waiting)
            wires += [Wire(port).send(request("/")) for _ in range(2)]
            until(lambda: bridge._threads.waiting == 2)
            with Wire(port) as refused:
                answer = refused.get("/")
                assert (answer.status, answer.document["code"]) == (503, "overloaded")
                assert answer.headers["retry-after"] == "1"
            release.set()
            assert [wire.answer().status for wire in wires] == [200] * 3
            for wire in wires:
                wire.socket.close()

    def test_left_by_a_client_costs_no_thread(self):
        release, calls = threading.Event(), []

        def app(environ, start_response):
            calls.append(environ["PATH_INFO"])
            release.wait(PATIENCE_S)
            return echo(environ, start_response)

        bridge = WSGIBridge(app, threads=1, timeout_s=10)
        with served(bridge) as port, Wire(port) as first, Wire(port) as last:
            first.send(request("/first"))
            until(lambda: calls)
            with Wire(port) as impatient:
                impatient.send(request("/impatient"))
                until(lambda: bridge._threads.waiting == 1)
            last.send(request("/last"))
            until(lambda: bridge._threads.waiting == 2)
            release.set()
            assert last.answer().status == 200
        assert calls == ["/first", "/last"]
