"""Frames that no honest program sends: the right answer, and the server none the worse for it."""

import contextlib
import os
import re
import struct
from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.apps.realtime.backbone.client import (
    Program,
    consumer,
    host_of,
    ingestor,
    new_instrument,
    price_frame,
    tell,
)
from tests.apps.realtime.live import Account, Live, Web
from tests.veza.asgi.wire import Wire, request


@pytest.fixture(params=["consumer", "ingestor"])
def program(request: pytest.FixtureRequest, web: Web, producer: Account) -> Iterator[Program]:
    opened = consumer if request.param == "consumer" else ingestor
    with opened(web, token=producer.access) as program:
        yield program


@pytest.fixture(autouse=True)
def _others_go_on(web: Web, feed: Program) -> Iterator[None]:
    """Whatever a test does, a consumer who was there before it gets his prices."""
    name = new_instrument()
    with consumer(web) as bystander:
        bystander.join(name)
        yield
        tell(feed, name, 1)
        assert bystander.rest() == [price_frame(name, 1)]


class TestText:
    @pytest.mark.parametrize(
        "text",
        [
            "", " ", "nonsense", "{", '{"type":"ping"', '{"type":"ping"}}', "{'type':'ping'}",
            '{"type":"ping",}', '{"type":"ping"}\n{"type":"ping"}', "NaN", '{"a":Infinity}',
            "\ufeff{}", '"\x00"',
        ],
    )  # fmt: skip
    def test_that_is_no_json_ends_the_connection(self, program: Program, text: str) -> None:
        program.send_text(text)
        assert program.closed() == 1007

    @pytest.mark.parametrize(
        "text",
        [
            "[]", "7", "null", "true", '"ping"', "{}", '{"type":null}', '{"type":7}',
            '{"type":["ping"]}', "1" * 5000, "[" * 30_000 + "]" * 30_000,
            '{"type":"ping","n":' + "9" * 5000 + "}",
        ],
    )  # fmt: skip
    def test_that_is_no_message_is_told(self, program: Program, text: str) -> None:
        program.send_text(text)
        assert program.code() == "invalid_message"
        assert program.rest() == []

    @pytest.mark.parametrize("name", ["", "PING", "no such", "\ud800", "x" * 60_000, "error"])
    def test_of_an_unknown_type_is_told(self, program: Program, name: str) -> None:
        assert program.send(type=name).code() == "unknown_type"
        assert program.rest() == []

    @pytest.mark.parametrize(
        ("room", "code"),
        [
            (None, "invalid_field"), (7, "invalid_field"), ("", "invalid_field"),
            ([], "invalid_field"), ({}, "invalid_field"), ("x" * 65, "invalid_field"),
            ("a b", "invalid_field"), ("\u00e9", "invalid_field"), ("X\n", "invalid_field"),
            ("instrument:", "invalid_field"), ("instrument:a b", "invalid_field"),
            ("instrument:instrument:X", "invalid_field"), ("nosuch:1", "room_not_found"),
            (":", "room_not_found"), ("user:\ud800", "invalid_field"),
            ("chat:" + "x" * 60_000, "room_not_found"), ("public:1", "room_not_found"),
        ],
    )  # fmt: skip
    def test_that_names_no_room_is_told(self, web: Web, room: object, code: str) -> None:
        with consumer(web) as program:
            for verb in ("join", "leave"):
                assert program.send(type=verb, room=room).code() == code
            assert program.rest() == []

    def test_in_too_many_frames_is_slowed_down(self, web: Web) -> None:
        with consumer(web) as program:
            for number in range(10_000):
                program.send(type="subscribe", room=f"R{number}")
            program.send(type="ping")
            kinds: dict[str, int] = {}
            for _ in range(10_001):
                frame = program.get()
                kind = str(frame.get("code", frame["type"]))
                kinds[kind] = kinds.get(kind, 0) + 1
        assert kinds["ack"] == 128
        assert kinds["too_many_rooms"] > 100
        assert kinds["rate_limited"] > 5000

    def test_may_come_in_pieces(self, web: Web) -> None:
        with consumer(web) as program:
            program.socket.send(['{"type":', '"ping"', "}"])
            assert program.get()["type"] == "pong"


class TestFrames:
    def test_that_are_binary_end_the_connection(self, program: Program) -> None:
        program.socket.send(b'{"type":"ping"}')
        assert program.closed() == 1003

    def test_have_64_kib_at_most(self, program: Program) -> None:
        whole = '{"type":"ping","x":"' + "x" * (64 * 1024 - 22) + '"}'
        assert len(whole) == 64 * 1024
        program.send_text(whole)
        assert program.get()["type"] == "pong"
        program.send_text(whole + " ")
        assert program.closed() == 1009

    def test_in_pieces_have_64_kib_at_most_together(self, program: Program) -> None:
        with contextlib.suppress(ConnectionClosed):  # it may hear of the end while it sends
            program.socket.send(["x" * 8000] * 9)
        assert program.closed() == 1009

    def test_that_are_no_utf8_end_the_connection(self, program: Program) -> None:
        program.socket.send(b'{"type":"\xff"}', text=True)
        assert program.closed() == 1007

    @pytest.mark.parametrize(
        ("head", "code"), [(b"\x83\x80", 1002), (b"\xc1\x80", 1002), (b"\x81\x05hello", 1002)]
    )
    def test_of_no_known_form_end_the_connection(self, web: Web, head: bytes, code: int) -> None:
        with _upgraded(web) as wire:
            wire.send(head + os.urandom(4))
            rest = wire.rest()
            assert rest[:1] == b"\x88"
            assert struct.unpack("!H", rest[2:4]) == (code,)

    def test_that_are_promised_and_never_come_cost_nothing(self, web: Web) -> None:
        with _upgraded(web) as wire:
            wire.send(b"\x81\xff" + (2**62).to_bytes(8, "big") + b"\0\0\0\0")
            assert wire.rest()[:1] == b"\x88"


class TestSlowReader:
    def test_is_dropped_and_holds_up_nobody(self, web: Web, feed: Program) -> None:
        name = new_instrument()
        with _upgraded(web) as wire, consumer(web) as reader:
            wire.send(_masked(b'{"type":"join","room":"%b"}' % name.encode()))
            reader.join(name)
            before = dropped(web)
            for portion in range(1, 61):
                for price in range(1, 501):
                    feed.send(type="price_update", instrument=name, price=price, ts=portion)
                assert feed.rest() == []
                assert len(reader.rest()) == 500
                if dropped(web) > before:  # for some seconds he may still read why
                    break
            rest = wire.rest()
            tell(feed, name, 501, 61)
            assert reader.rest() == [price_frame(name, 501, 61)]
        assert rest.endswith(b"\x88\x06" + struct.pack("!H", 3008) + b"slow")
        assert len(rest) < 3_000_000


def dropped(web: Web) -> float:
    """How many slow readers this process has dropped."""
    text = web.call("GET", "/metrics").text
    found = re.search(r'^veza_realtime_dropped_total\{reason="slow"\} (\S+)$', text, re.MULTILINE)
    return float(found[1]) if found else 0.0


class TestHandshake:
    @pytest.mark.parametrize("path", ["/ws", "/ws/ingest"])
    @pytest.mark.parametrize(
        "origin", ["https://evil.example", "null", "http://localhost.evil.example", "x", ""]
    )
    def test_from_a_foreign_page_is_refused(self, web: Web, path: str, origin: str) -> None:
        with pytest.raises(InvalidStatus) as refused, Program(web, path, Origin=origin):
            pass
        response = refused.value.response
        assert response.status_code == 403
        assert response.headers["Content-Type"] == "application/problem+json"
        assert b"origin_not_allowed" in (response.body or b"")

    @pytest.mark.parametrize("origin", ["http://localhost:3000", "own"])
    def test_from_an_allowed_page_is_good(self, web: Web, origin: str) -> None:
        own = f"http://{host_of(web)}"
        with consumer(web, Origin=own if origin == "own" else origin) as program:
            assert program.rest() == []

    def test_counts_as_a_request(self, live: Live) -> None:
        with live.another_web(REDIS_URL="", RATE_LIMIT_PER_MINUTE=5) as web:
            for _ in range(5):
                consumer(web).socket.close()
            with pytest.raises(InvalidStatus) as refused, consumer(web):
                pass
        assert refused.value.response.status_code == 429
        assert 1 <= int(refused.value.response.headers["Retry-After"]) <= 12

    @pytest.mark.parametrize("path", ["/ws", "/ws/ingest"])
    def test_is_needed(self, web: Web, path: str) -> None:
        assert httpx.get(web.base_url + path).status_code == 404


def _upgraded(web: Web) -> Wire:
    wire = Wire(web.port)
    wire.send(
        request(
            "/ws",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        )
    )
    assert wire._until(b"\r\n\r\n").startswith(b"HTTP/1.1 101")
    return wire


def _masked(payload: bytes) -> bytes:
    """A short text frame of a client; a mask of zeros changes nothing."""
    return bytes((0x81, 0x80 | len(payload))) + bytes(4) + payload
