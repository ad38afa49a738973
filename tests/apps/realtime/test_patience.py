"""Who takes nothing while he is told what he missed is cut off; who reads slowly is not.

On a loop whose clock goes on by itself, so that minutes pass at once and to the same instant.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any, Protocol

import pytest

from apps.realtime.connections import Connections
from apps.realtime.hub import Hub
from apps.realtime.limits import End
from apps.realtime.recovery import Recovered
from apps.realtime.transports.sse.client import Client
from apps.realtime.transports.sse.replay import catch_up
from apps.realtime.transports.sse.wire import DATA
from apps.realtime.transports.webtransport.room_stream import RoomStream
from apps.realtime.types import ANONYMOUS, Position
from tests.apps.realtime.fakes import fact

PATIENCE_S = 30.0
FACTS = 4_000
"""More than may lie there on any transport."""
HEAD = Position(FACTS, "e1")


class Loop(asyncio.SelectorEventLoop):
    """Whenever all only wait, it is as late as the first of them waits for."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self.now


class _Selector(selectors.DefaultSelector):
    def __init__(self, loop: Loop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        if timeout:
            self._loop.now += timeout
        return super().select(0)


class Line:
    """The way to a client: what lies there, and the client's own pace."""

    def __init__(self) -> None:
        self.is_open = True
        self.buffered = self.sent = 0
        self.cut_at: float | None = None
        self.direct: Callable[[bytes], None] = self.write
        self.on_turn: Callable[[], None] | None = None

    def write(self, data: bytes) -> None:
        if self.is_open:
            self.buffered += len(data)
            self.sent += len(data)

    def abort(self) -> None:
        self.is_open = False
        self.cut_at = asyncio.get_running_loop().time()

    def take(self, size: int, *, every_s: float) -> None:
        """The client reads so much, so often."""
        self.buffered = max(0, self.buffered - size)
        asyncio.get_running_loop().call_later(every_s, lambda: self.take(size, every_s=every_s))


class Transport(Protocol):
    """A client that asks for what it missed, over this line."""

    def __call__(self, line: Line, node: Any) -> Coroutine[Any, Any, None]: ...


def by_events(line: Line, node: Any) -> Coroutine[Any, Any, None]:
    log: Any = SimpleNamespace(name="facts")
    client = Client(node=node, log=log, port=line, viewer=ANONYMOUS, wire=DATA)  # type: ignore[arg-type]
    node.connections.add(client)
    return catch_up(client, wire=DATA, node=node, rooms=["public"], after=None)


def by_webtransport(line: Line, node: Any) -> Coroutine[Any, Any, None]:
    connection = _Connection(line, node)
    node.connections.add(connection)
    session: Any = _Session(line)
    stream = RoomStream(connection, session=session, node=node, room="public")  # type: ignore[arg-type]
    connection.stream = stream
    return stream.catch_up(None, lambda found: None)


class _Session:
    def __init__(self, line: Line) -> None:
        self._line = line

    @property
    def buffered(self) -> int:
        return self._line.buffered

    def open_stream(self) -> int:
        return 3

    def write_to(self, stream: int, data: bytes, *, is_last: bool = False) -> None:
        self._line.write(data)


class _Connection:
    """A session's connection, which ends all its streams."""

    transport = "webtransport"
    viewer = ANONYMOUS
    stream: RoomStream

    def __init__(self, line: Line, node: Any) -> None:
        self._line = line
        self._node = node

    def end(self, reason: End) -> None:
        assert reason is End.SLOW
        self._node.connections.discard(self)
        self.stream.forget()
        self._line.abort()


def told(transport: Transport, *, taking: int = 0, every_s: float = 0.0) -> tuple[Line, Any]:
    """Everything that was missed is told to a client that takes so much so often, or nothing."""
    missed = [fact(position, "public") for position in range(1, FACTS + 1)]

    async def recover(rooms: Any, after: Any, limit: int) -> Recovered:
        return Recovered(messages=[] if after == HEAD else missed, head=HEAD)

    async def run() -> tuple[Line, Any]:
        loop = asyncio.get_running_loop()
        hub = Hub(clock=loop.time, soon=loop.call_soon)
        node = SimpleNamespace(hub=hub, connections=Connections(hub=hub), recover=recover)
        line = Line()
        if taking:
            line.take(taking, every_s=every_s)
        async with asyncio.timeout(3600):
            await transport(line, node)
        return line, node

    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(run())


TRANSPORTS = pytest.mark.parametrize("transport", [by_events, by_webtransport])


@TRANSPORTS
def test_who_takes_nothing_is_cut_off_in_time(transport: Transport) -> None:
    line, node = told(transport)
    assert line.cut_at == pytest.approx(PATIENCE_S, abs=0.1)
    assert line.sent < FACTS * 100, "it was told all of it, though it took nothing"
    assert len(node.connections) == 0
    assert node.hub.members("public") == []


@TRANSPORTS
def test_who_takes_a_little_now_and_then_is_told_everything(transport: Transport) -> None:
    line, node = told(transport, taking=20_000, every_s=PATIENCE_S - 1)
    assert line.cut_at is None
    assert line.sent > FACTS * 50
    assert len(node.hub.members("public")) == 1


@TRANSPORTS
def test_who_stops_on_the_way_is_cut_off_too(transport: Transport) -> None:
    line, _ = told(transport, taking=20_000, every_s=PATIENCE_S + 1)
    assert line.cut_at is not None
    assert line.cut_at > PATIENCE_S
