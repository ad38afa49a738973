"""A port's `direct`, as who writes to many keeps it: as good as its `write`, whatever happens."""

import pytest

from tests.veza.asgi.serving import served
from tests.veza.asgi.sockets import CLOSE, TEXT, RawSocket
from tests.veza.asgi.test_ports import Stage, all_frames
from tests.veza.asgi.wire import Wire, request, until
from veza.kit.asgi.port import (
    SOCKET_BUDGET_BYTES,
    STREAM_BUDGET_BYTES,
    Port,
    http_chunk,
    text_frame,
)


@pytest.fixture
def stage():
    return Stage()


@pytest.fixture
def server(stage):
    with served(stage) as port:
        yield port


class Keeper:
    """Who writes to many: it keeps the port's `direct`, and takes the new one when it turns."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self.turns = 0
        self.write = port.direct
        port.on_turn = self._turn

    def _turn(self) -> None:
        self.turns += 1
        self.write = self._port.direct


class TestDirect:
    def test_it_is_one_and_the_same_while_the_client_keeps_up(self, stage, server):
        with RawSocket(server) as client:
            client.opened()
            keeper = stage.do(Keeper, stage.port())
            for number in range(200):
                stage.do(keeper.write, text_frame(b"%d" % number))
                assert int(client.frame().payload) == number
            assert keeper.turns == 0

    def test_order_holds_from_one_to_the_next(self, stage, server):
        """Kept, exchanged while much waits, and exchanged back: nothing overtakes."""
        with RawSocket(server, receive_bytes=4096) as client:
            client.opened()
            port = stage.port()
            keeper = stage.do(Keeper, port)

            def write(first: int) -> None:
                for number in range(first, first + 20):
                    keeper.write(text_frame(b"%d " % number + b"x" * 16 * 1024))

            for first in range(0, 120, 20):
                stage.do(write, first)
                for number in range(first, first + 20):
                    assert int(client.frame().payload.split()[0]) == number
            assert keeper.turns >= 2
            assert port.is_open

    def test_one_that_stops_reading_is_told_3008(self, stage, server):
        with RawSocket(server, receive_bytes=4096) as client:
            client.opened()
            port = stage.port()
            keeper = stage.do(Keeper, port)
            frame = text_frame(b"x" * 16 * 1024)
            written = 0
            while port.is_open:
                stage.do(lambda: keeper.write(frame))
                written += len(frame)
                assert written < 20 * SOCKET_BUDGET_BYTES, "it was never dropped"
            assert all_frames(client)[-1].code == 3008

    def test_one_frame_beyond_the_budget_drops_too(self, stage, server):
        with RawSocket(server, receive_bytes=4096) as client:
            client.opened()
            port = stage.port()
            stage.do(port.direct, text_frame(b"x" * 4 * SOCKET_BUDGET_BYTES))
            until(lambda: not port.is_open)

    def test_nothing_follows_a_close(self, stage, server):
        with RawSocket(server) as client:
            client.opened()
            port = stage.port()
            keeper = stage.do(Keeper, port)

            def all_at_once() -> None:
                keeper.write(text_frame(b"before"))
                port.close(code=3001, reason="shutdown")
                keeper.write(text_frame(b"after"))

            stage.do(all_at_once)
            frames = all_frames(client)
            assert [frame.opcode for frame in frames] == [TEXT, CLOSE]
            assert frames[0].payload == b"before"

    def test_a_stream_that_does_not_read_is_cut_at_its_budget(self, stage, server):
        with Wire(server) as wire:
            wire.send(request("/events"))
            port = stage.port()
            keeper = stage.do(Keeper, port)
            chunk = http_chunk(b"x" * 16 * 1024)
            written = 0
            while port.is_open:
                stage.do(lambda: keeper.write(chunk))
                written += len(chunk)
                assert written < 40 * STREAM_BUDGET_BYTES, "it was never cut"
            assert keeper.turns >= 2  # it has begun; it is paused
