"""What connections cost the collector of garbage, which stops the process while it looks."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings

from tests.apps.realtime.live import Live
from tests.apps.realtime.sse.stream import CONNECTED, Stream
from tests.veza.asgi.serving import is_alive
from tests.veza.asgi.sockets import CLOSE, RawSocket
from tests.veza.asgi.wire import Wire, until

Client = RawSocket | Stream

SOCKETS = 60
MOST_OF_EACH = 60
"""Objects that the collector has to look at for a connection. It was 83 once."""
PARTS_OF_NONE = 100
"""What works beside the connections, and asks for this, has so many; 180 were there before."""


@pytest.fixture(scope="module")
def port(live: Live) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fd, port = listener.fileno(), listener.getsockname()[1]
        argv = [sys.executable, "-m", "tests.apps.realtime.counted", str(fd)]
        with subprocess.Popen(
            argv, cwd=settings.BASE_DIR, env=live.environment(), pass_fds=[fd]
        ) as process:
            try:
                until(lambda: process.poll() is not None or is_alive(port), timeout_s=60)
                assert process.poll() is None, "it ended at once"
                yield port
            finally:
                process.terminate()


def number(port: int, name: str = "tracked") -> int:
    with Wire(port) as wire:
        return int(wire.get("/tracked").document[name])


def backbone(port: int) -> RawSocket:
    client = RawSocket(port, "/ws").opened()
    for room in ("GOLD", "instrument:SILVER"):
        client.say(f'{{"type":"join","room":"{room}"}}')
        assert b"subscribed" in client.frame().payload
    return client


def centrifugo(port: int) -> RawSocket:
    client = RawSocket(port, "/connection/websocket").opened()
    client.say('{"id":1,"connect":{}}')
    assert b"connect" in client.frame().payload
    client.say('{"id":2,"subscribe":{"channel":"instrument:GOLD"}}')
    assert b"subscribe" in client.frame().payload
    return client


def stream(port: int) -> Stream:
    found = Stream(port, rooms="instrument:GOLD")
    assert found.event() == CONNECTED
    return found


def refused(port: int) -> Wire:
    """A path at which there is no WebSocket."""
    client = RawSocket(port, "/nowhere")
    assert client.answer().status == 404
    return client


def broken(port: int) -> Wire:
    """A socket that the server has ended for what the client sent."""
    client = RawSocket(port, "/ws").opened().say("no JSON")
    while client.frame().opcode != CLOSE:
        pass
    return client


def leave(client: Client) -> None:
    """As clients do that say goodbye; others just go."""
    if isinstance(client, RawSocket):
        client.say((1000).to_bytes(2, "big"), CLOSE)
        client.rest()
    go(client)


def go(client: Client) -> None:
    client.socket.close() if isinstance(client, RawSocket) else client.close()


KINDS = pytest.mark.parametrize("come", [backbone, centrifugo, stream, refused, broken])


@KINDS
def test_connections_that_have_gone_are_freed_without_it(
    port: int, come: Callable[[int], Client]
) -> None:
    def come_and_go(way: Callable[[Client], None]) -> None:
        for client in [come(port) for _ in range(SOCKETS)]:
            way(client)

    come_and_go(leave)  # the first make what stays: threads, connections to the stores
    come_and_go(leave)
    come_and_go(go)
    until(lambda: number(port, "parts") < PARTS_OF_NONE)


@KINDS
def test_a_connection_gives_it_little_to_look_at(port: int, come: Callable[[int], Client]) -> None:
    go(come(port))
    before = number(port)
    clients = [come(port) for _ in range(SOCKETS)]
    assert (number(port) - before) / SOCKETS < MOST_OF_EACH
    for client in clients:
        go(client)


def test_it_spares_what_the_start_has_loaded(port: int) -> None:
    assert number(port, "spared") > 100_000
    assert number(port, "tracked") < 20_000
