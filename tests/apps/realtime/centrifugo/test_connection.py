"""What is written to a client, and in which order, on a hub without a network."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from apps.realtime.connections import Connections
from apps.realtime.ephemera import ephemeral
from apps.realtime.limits import End
from apps.realtime.node import Node
from apps.realtime.transports.centrifugo.app import take_frame
from apps.realtime.transports.centrifugo.connection import Connection
from apps.realtime.transports.centrifugo.session import Command, Session
from apps.realtime.transports.centrifugo.wire import JSON_WIRE, PROTOBUF_WIRE, CentrifugoWire
from apps.realtime.types import ANONYMOUS, Message, Position
from veza.kit.asgi.port import text_frame

NOW = 1000.0


class PaperPort:
    """A veza.kit.asgi.port.Port that keeps what would be sent."""

    buffered = 0

    def __init__(self) -> None:
        self.is_open = True
        self.written: list[bytes] = []
        self.closed_with: tuple[int, str] | None = None
        self.direct: Callable[[bytes], None] = self.write
        self.on_turn: Callable[[], None] | None = None

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self, *, code: int = 1000, reason: str = "") -> None:
        self.is_open = False
        self.closed_with = self.closed_with or (code, reason)

    def abort(self) -> None:
        self.is_open = False

    def stop_pings(self) -> None:
        return

    def read(self) -> list[dict[str, Any]]:
        """All replies and pushes, in order."""
        lines = [line for frame in self.written for line in payload_of(frame).split(b"\n")]
        return [json.loads(line) for line in lines]


def payload_of(frame: bytes) -> bytes:
    return frame[{126: 4, 127: 10}.get(frame[1], 2) :]


@pytest.fixture
async def node() -> Node:
    return Node()


@pytest.fixture
def port() -> PaperPort:
    return PaperPort()


Connected = Callable[..., Connection]


@pytest.fixture
def connect(node: Node, port: PaperPort) -> Connected:
    def make(wire: CentrifugoWire = JSON_WIRE) -> Connection:
        session = Session(client="c1", now=NOW, chance=0.0)
        session.connect(ANONYMOUS, unix_now=time.time())
        connection = Connection(node=node, port=port, wire=wire, session=session)
        node.connections.add(connection)
        return connection

    return make


def fact(position: int) -> Message:
    envelope = ephemeral("metric_created", {"n": position}).envelope
    return Message(envelope=envelope, id=envelope["id"], position=position, epoch="e1")


class TestOrder:
    async def test_a_reply_comes_before_what_is_published_after_it(
        self, node: Node, port: PaperPort, connect: Connected
    ) -> None:
        connection = connect()
        connection.join("metrics", wants_presence=False)
        connection.answer(Command(1, "subscribe", {}), {})
        node.hub.publish("metrics", fact(7))
        node.hub.flush()
        node.hub.flush()
        connection.answer(Command(2, "ping", {}), {})
        connection.flush()
        reply, push, ping = port.read()
        assert reply == {"id": 1, "subscribe": {}}
        assert push["push"]["channel"] == "metrics"
        assert push["push"]["pub"]["offset"] == 7
        assert ping == {"id": 2, "ping": {}}

    async def test_what_is_held_comes_after_the_reply(
        self, node: Node, port: PaperPort, connect: Connected
    ) -> None:
        connection = connect()
        connection.hold()
        connection.join("instrument:X", wants_presence=False)
        node.hub.publish("instrument:X", ephemeral("price_update", {"price": 2}))
        node.hub.flush()
        node.hub.flush()
        assert port.read() == []
        connection.answer(Command(1, "subscribe", {}), {})
        connection.release()
        reply, push = port.read()
        assert "subscribe" in reply
        assert "offset" not in push["push"]["pub"]

    async def test_replies_to_one_frame_leave_in_one_frame(
        self, port: PaperPort, connect: Connected
    ) -> None:
        connection = connect()
        frame = "\n".join(json.dumps({"id": n, "ping": {}}) for n in range(1, 4))
        await take_frame(connection, {"type": "websocket.receive", "text": frame})
        connection.flush()
        assert len(port.written) == 1
        assert [reply["id"] for reply in port.read()] == [1, 2, 3]

    async def test_replies_come_before_the_close(self, port: PaperPort, connect: Connected) -> None:
        connection = connect()
        frame = '{"id":1,"ping":{}}\n{"id":2,"connect":{}}\n{"id":3,"ping":{}}'
        await take_frame(connection, {"type": "websocket.receive", "text": frame})
        assert port.read() == [{"id": 1, "ping": {}}]
        assert port.closed_with == (3501, "bad request")


class TestTimes:
    @pytest.mark.parametrize(
        ("wire", "ping"), [(JSON_WIRE, b"\x81\x02{}"), (PROTOBUF_WIRE, b"\x82\x01\x00")]
    )
    async def test_pings_and_gives_up_without_an_answer(
        self, port: PaperPort, connect: Connected, wire: CentrifugoWire, ping: bytes
    ) -> None:
        connection = connect(wire)
        connection.wake(NOW + 12.5)
        assert port.written == [ping]
        connection.wake(NOW + 22.5)
        assert port.closed_with == (3012, "no pong")

    async def test_a_client_that_never_connects_is_stale(self, node: Node, port: PaperPort) -> None:
        session = Session(client="c1", now=NOW, chance=0.0)
        connection = Connection(node=node, port=port, wire=JSON_WIRE, session=session)
        connection.wake(NOW + 14.9)
        assert port.is_open
        connection.wake(NOW + 15)
        assert port.closed_with == (3502, "stale")

    @pytest.mark.parametrize(("late_s", "code"), [(24, None), (26, 3005)])
    async def test_a_token_may_be_refreshed_for_25_s_after_its_end(
        self, node: Node, port: PaperPort, connect: Connected, late_s: float, code: int | None
    ) -> None:
        clock = [NOW]
        connections = Connections(hub=node.hub, clock=lambda: clock[0])
        connection = connect()
        connection.viewer = replace(ANONYMOUS, user_id="u1", expires_at=NOW + 60)
        connections.add(connection)
        clock[0] += 60 + late_s
        connections.end_expired()
        connections.discard(connection)
        assert (port.closed_with or (None,))[0] == code


class TestEndsOfSubscriptions:
    async def test_another_epoch_has_facts_subscribed_to_again(
        self, node: Node, port: PaperPort, connect: Connected
    ) -> None:
        connection = connect()
        for channel in ("metrics", "instrument:X"):
            connection.join(channel, wants_presence=False)
        connection.reset("facts", Position(5, "e2"), "epoch")
        assert port.read() == [
            {
                "push": {
                    "channel": "metrics",
                    "unsubscribe": {"code": 2500, "reason": "insufficient state"},
                }
            }
        ]
        assert node.hub.rooms(connection) == ["instrument:X"]

    async def test_who_may_no_longer_be_there_is_put_out_for_good(
        self, node: Node, port: PaperPort, connect: Connected
    ) -> None:
        connection = connect()
        connection.join("metrics", wants_presence=True)
        connection.expel("metrics")
        connection.expel("metrics")
        (push,) = port.read()
        assert push["push"]["unsubscribe"] == {"code": 2000, "reason": "access revoked"}
        assert node.hub.rooms(connection) == []


class TestCoalescing:
    def test_of_messages_makes_one_frame(self) -> None:
        frames = [JSON_WIRE.frame("metrics", fact(n)) for n in (1, 2)]
        lines = payload_of(JSON_WIRE.join_frames(frames)).split(b"\n")
        assert [json.loads(line)["push"]["pub"]["offset"] for line in lines] == [1, 2]

    def test_of_long_messages_keeps_frames_that_clients_take(self) -> None:
        frames = [text_frame(b"x" * 50_000)] * 2
        assert JSON_WIRE.join_frames(frames) == b"".join(frames)


async def test_one_that_floods_is_ended(port: PaperPort, connect: Connected) -> None:
    connection = connect()
    frame = "\n".join(json.dumps({"id": n, "ping": {}}) for n in range(1, 2001))
    await take_frame(connection, {"type": "websocket.receive", "text": frame})
    codes = {reply.get("error", {}).get("code") for reply in port.read()}
    assert codes == {None, 111}
    assert port.closed_with == (End.TOO_MANY_REQUESTS.code, "too many requests")
