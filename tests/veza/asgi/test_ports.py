"""Ports under a real server: order, budgets, limits, and the end of what does not read."""

import asyncio
import contextlib
import socket
import time
from functools import partial
from typing import Any

import pytest

from tests.patience import PATIENCE_S
from tests.veza.asgi.serving import served
from tests.veza.asgi.sockets import BINARY, CLOSE, PING, PONG, TEXT, RawSocket
from tests.veza.asgi.wire import Wire, request, until
from veza.kit.asgi import lifecycle, protocols, transport_ports
from veza.kit.asgi.port import (
    SOCKET_BUDGET_BYTES,
    STREAM_BUDGET_BYTES,
    Port,
    SendPort,
    binary_frame,
    http_chunk,
    port_of,
    text_frame,
)


class Stage:
    """An application whose connections a test takes by the hand."""

    def __init__(self) -> None:
        self.ports: list[Port] = []
        self.received: list[dict[str, Any]] = []
        self.loop: asyncio.AbstractEventLoop | None = None
        self.sends: list[Any] = []

    async def __call__(self, scope, receive, send):
        self.loop = asyncio.get_running_loop()
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        self.sends.append(send)
        self.ports.append(port_of(scope, send))
        while True:
            message = await receive()
            self.received.append(dict(message))
            if message["type"].endswith("disconnect"):
                return

    def do(self, call, *arguments, **named):
        """On the loop, as everything that touches a port."""

        async def run() -> Any:
            result = call(*arguments, **named)
            return await result if asyncio.iscoroutine(result) else result

        assert self.loop is not None
        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(PATIENCE_S)

    def port(self, number: int = -1) -> Port:
        until(lambda: self.ports)
        return self.ports[number]


@pytest.fixture
def stage():
    return Stage()


@pytest.fixture
def server(stage):
    with served(stage) as port:
        yield port


def all_frames(client: RawSocket):
    frames = []
    with contextlib.suppress(EOFError, ConnectionResetError):
        while True:
            frames.append(client.frame())
    return frames


class TestSockets:
    def test_frames_of_all_sizes_arrive_as_written(self, stage, server):
        with RawSocket(server) as client:
            client.opened()
            payloads = [b"", b"a" * 125, b"b" * 126, b"c" * 65535, b"d" * 65536]
            for payload in payloads:
                stage.do(stage.port().write, text_frame(payload))
            stage.do(stage.port().write, binary_frame(b"\0\xff"))
            assert [client.frame().payload for _ in payloads] == payloads
            last = client.frame()
            assert (last.opcode, last.payload) == (BINARY, b"\0\xff")

    def test_what_is_sent_and_what_is_written_keep_their_order(self, stage, server):
        with RawSocket(server) as client:
            client.opened()
            port = stage.port()

            async def mixed():
                for number in range(0, 400, 2):
                    await stage.sends[0](
                        {"type": "websocket.send", "text": f"{number} " + "x" * 1000}
                    )
                    port.write(text_frame(f"{number + 1} ".encode() + b"x" * 1000))

            stage.do(mixed)
            got = [int(client.frame().payload.split()[0]) for _ in range(400)]
            assert got == list(range(400))

    def test_nothing_follows_a_close(self, stage, server):
        with RawSocket(server) as client:
            client.opened()

            def all_at_once():
                port = stage.ports[0]
                port.write(text_frame(b"before"))
                port.close(code=3001, reason="shutdown")
                port.write(text_frame(b"after"))
                port.close(code=3500, reason="another")
                assert not port.is_open

            stage.port()
            stage.do(all_at_once)
            client.say(b"\x03\xe8", CLOSE)
            frames = all_frames(client)
            assert [frame.opcode for frame in frames] == [TEXT, CLOSE]
            assert (frames[1].code, frames[1].reason) == (3001, "shutdown")
        until(lambda: stage.received[-1:] and stage.received[-1]["type"] == "websocket.disconnect")

    def test_a_close_by_the_client_is_answered_and_ends_the_port(self, stage, server):
        with RawSocket(server) as client:
            client.opened()
            port = stage.port()
            client.say(b"\x0f\xa0bye", CLOSE)
            frames = all_frames(client)
            assert [frame.opcode for frame in frames] == [CLOSE]
            assert not port.is_open
            stage.do(port.write, text_frame(b"late"))

    def test_pings_are_answered_between_frames(self, stage, server):
        with RawSocket(server) as client:
            client.opened().say(b"beat", PING)
            stage.do(stage.port().write, text_frame(b"news"))
            assert {frame.opcode for frame in (client.frame(), client.frame())} == {PONG, TEXT}

    def test_it_is_never_compressed(self, server):
        with RawSocket(server, "/", "Sec-WebSocket-Extensions: permessage-deflate") as client:
            assert "sec-websocket-extensions" not in client.opened().head

    def test_a_frame_above_the_limit_closes_with_1009(self, stage, server):
        with RawSocket(server) as client:
            client.opened().say(b"x" * 65536)
            until(lambda: stage.received)
            client.say(b"x" * 65537)
            assert client.frame().code == 1009

    def test_fragments_count_together(self, server):
        with RawSocket(server) as client:
            client.opened().say(b"x" * 40_000, fin=False).say(b"x" * 40_000, 0)
            assert client.frame().code == 1009

    def test_a_long_reason_is_cut_to_what_a_frame_holds(self, stage, server):
        with RawSocket(server) as client:
            client.opened()
            stage.port()
            stage.do(stage.ports[0].close, code=4000, reason="é" * 100)
            assert client.frame().reason == "é" * 61


class TestSlowSockets:
    def test_one_that_stops_reading_is_told_3008_when_it_reads_again(
        self, stage, server, monkeypatch
    ):
        monkeypatch.setattr(transport_ports, "SLOW_CLOSE_TIMEOUT_S", PATIENCE_S)
        with RawSocket(server, receive_bytes=4096) as client:
            client.opened()
            port = stage.port()
            written = self._fill(stage, port)
            assert SOCKET_BUDGET_BYTES <= written < SOCKET_BUDGET_BYTES + 1024 * 1024
            while (frame := client.frame()).opcode != CLOSE:
                pass
            assert (frame.code, frame.reason) == (3008, "slow")

    def test_one_that_never_reads_is_cut(self, stage, server, monkeypatch):
        monkeypatch.setattr(transport_ports, "SLOW_CLOSE_TIMEOUT_S", 0.3)
        with RawSocket(server, receive_bytes=4096) as client:
            client.opened()
            port = stage.port()
            self._fill(stage, port)
            until(lambda: stage.received and stage.received[-1]["type"] == "websocket.disconnect")
            until(lambda: self._is_cut(client))

    def test_others_are_not_held_up(self, stage, server, monkeypatch):
        monkeypatch.setattr(transport_ports, "SLOW_CLOSE_TIMEOUT_S", 10 * PATIENCE_S)
        with RawSocket(server, receive_bytes=4096) as slow:
            slow.opened()
            slow_port = stage.port()
            # It asks as soon as it is made: made before, its port could be the first one.
            with RawSocket(server) as quick:
                quick.opened()
                until(lambda: len(stage.ports) == 2)
                self._fill(stage, slow_port)
                stage.do(stage.ports[1].write, text_frame(b"news"))
                assert quick.frame().payload == b"news"

    @staticmethod
    def _fill(stage, port) -> int:
        frame = text_frame(b"x" * 16 * 1024)
        written = 0
        while port.is_open:
            stage.do(port.write, frame)
            written += len(frame)
            assert written < 20 * SOCKET_BUDGET_BYTES, "it was never dropped"
        return written

    @staticmethod
    def _is_cut(client) -> bool:
        try:
            client.socket.sendall(b"\x8a\x80\0\0\0\0")
        except OSError:
            return True
        return False


def _has(ports: list[Port], number: int) -> bool:
    return len(ports) == number


class TestStreams:
    def _open(self, server) -> Wire:
        wire = Wire(server)
        wire.send(request("/events"))
        assert b"transfer-encoding: chunked" in wire._until(b"\r\n\r\n")
        return wire

    def test_chunks_arrive_and_the_end_is_the_end(self, stage, server):
        with self._open(server) as wire:
            port = stage.port()
            stage.do(port.write, http_chunk(b"data: 1\n\n"))
            stage.do(port.write, http_chunk(b"data: 2\n\n") + http_chunk(b"data: 3\n\n"))
            stage.do(port.close)
            stage.do(port.write, http_chunk(b"late"))
            assert wire._chunks() == b"data: 1\n\ndata: 2\n\ndata: 3\n\n"
            assert wire.rest() == b""
        until(lambda: stage.received[-1]["type"] == "http.disconnect")

    def test_one_that_does_not_read_is_cut_at_its_budget(self, stage, server):
        with self._open(server):
            port = stage.port()
            written = 0
            chunk = http_chunk(b"x" * 16 * 1024)
            while port.is_open:
                stage.do(port.write, chunk)
                written += len(chunk)
                assert written < 40 * STREAM_BUDGET_BYTES, "it was never cut"
            until(lambda: stage.received[-1]["type"] == "http.disconnect")

    def test_one_that_always_has_something_to_read_is_not_cut(self, stage, server, monkeypatch):
        """What lies there for it does not get less, because as much comes as it takes."""
        monkeypatch.setattr(protocols, "STALL_TIMEOUT_S", 0.5)
        for number in range(1, 11):
            with self._open(server) as wire:
                until(partial(_has, stage.ports, number))
                is_cut, longest_pause_s = self._read_on(stage, wire)
            if not is_cut:
                break
            # On a machine that stands still nobody reads: try again.
            assert longest_pause_s > protocols.STALL_TIMEOUT_S / 2
        assert not is_cut

    @staticmethod
    def _read_on(stage, wire) -> tuple[bool, float]:
        """Whether it was cut, and for how long at most nothing was read."""
        chunk = http_chunk(b"x" * 16 * 1024)
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        port, longest_s = stage.port(), 0.0

        def fill_up():
            while port.is_open and port.buffered < STREAM_BUDGET_BYTES - 2 * len(chunk):
                port.write(chunk)

        read_at = time.monotonic()
        ends_at = read_at + 5 * protocols.STALL_TIMEOUT_S
        with contextlib.suppress(EOFError, ConnectionResetError):
            while time.monotonic() < ends_at and port.is_open:
                stage.do(fill_up)
                wire._exactly(len(chunk))
                longest_s = max(longest_s, time.monotonic() - read_at)
                read_at = time.monotonic()
        return not port.is_open, max(longest_s, time.monotonic() - read_at)

    def test_one_that_has_stopped_reading_is_cut_below_its_budget(self, stage, server, monkeypatch):
        monkeypatch.setattr(protocols, "STALL_TIMEOUT_S", 0.2)
        with self._open(server):
            port = stage.port()
            while port.is_open and port.buffered < STREAM_BUDGET_BYTES // 2:
                stage.do(port.write, http_chunk(b"x" * 1024))
            until(lambda: not port.is_open)

    def test_a_client_that_goes_ends_the_port(self, stage, server):
        with self._open(server):
            port = stage.port()
        until(lambda: not port.is_open)
        stage.do(port.write, http_chunk(b"late"))


async def has_come(sent: list[Any]) -> None:
    """Three messages, the last of which is the end."""
    async with asyncio.timeout(PATIENCE_S):
        while len(sent) < 3:
            await asyncio.sleep(0)


class TestOtherServers:
    """The port over `send()`."""

    async def test_frames_become_messages(self):
        sent = []

        async def send(message):
            sent.append(message)

        port = SendPort({"type": "websocket"}, send)
        port.write(text_frame(b"a") + binary_frame(b"b" * 70_000))
        port.close(code=3001, reason="shutdown")
        port.write(text_frame(b"late"))
        await has_come(sent)
        assert sent == [
            {"type": "websocket.send", "text": "a"},
            {"type": "websocket.send", "bytes": b"b" * 70_000},
            {"type": "websocket.close", "code": 3001, "reason": "shutdown"},
        ]
        assert port.buffered == 0

    async def test_chunks_become_bodies(self):
        sent = []

        async def send(message):
            sent.append(message)

        port = SendPort({"type": "http"}, send)
        port.write(http_chunk(b"data: 1\n\n") + http_chunk(b"data: 2\n\n"))
        port.close()
        await has_come(sent)
        assert [message["body"] for message in sent] == [b"data: 1\n\n", b"data: 2\n\n", b""]
        assert [message["more_body"] for message in sent] == [True, True, False]

    async def test_one_that_does_not_take_anything_is_dropped(self):
        never = asyncio.Event()

        async def send(message):
            await never.wait()

        port = SendPort({"type": "websocket"}, send)
        frame = text_frame(b"x" * 60_000)
        for _ in range(100):
            port.write(frame)
        assert not port.is_open
        assert port.buffered <= SOCKET_BUDGET_BYTES
        port.abort()


class TestStopping:
    @pytest.fixture
    def _stopping(self, monkeypatch):
        monkeypatch.setattr(lifecycle, "is_stopping", lambda: True)

    @pytest.mark.usefixtures("_stopping")
    def test_new_sockets_are_refused(self, server):
        with RawSocket(server) as client:
            answer = client.answer()
        assert answer.status == 503
        assert answer.document["code"] == "server_stopping"

    def test_sockets_are_left_to_the_drain(self):
        stage = Stage()

        async def drain(within_s):
            await asyncio.sleep(0.05)
            for port in stage.ports:
                port.close(code=3001, reason="shutdown")

        lifecycle.drain_with(drain)
        try:
            with served(stage) as port:
                client = RawSocket(port).opened()
                stage.port()
            frame = client.frame()
        finally:
            lifecycle.drain_with(None)
        assert (frame.code, frame.reason) == (3001, "shutdown")
        client.socket.close()
