"""WebSocket handshakes that lead nowhere: the client is told why, and nobody else is alarmed."""

import logging

import pytest

from tests.veza.asgi.serving import served
from tests.veza.asgi.wire import Wire
from veza.kit.asgi.websockets import refuse_unknown_path

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = ("Upgrade: websocket", "Connection: Upgrade")


def handshake(*, key: str = KEY, version: str = "13") -> list[str]:
    return [*UPGRADE, f"Sec-WebSocket-Version: {version}", f"Sec-WebSocket-Key: {key}"]


@pytest.mark.parametrize(
    "fields",
    [
        UPGRADE,
        handshake(version="12"),
        handshake(version="x"),
        handshake(key="x"),
        handshake(key=""),
        [*UPGRADE, f"Sec-WebSocket-Key: {KEY}"],
        [*handshake(), f"Sec-WebSocket-Key: {KEY}"],
    ],
)
def test_one_that_breaks_the_protocol_is_told_so(fields: list[str]) -> None:
    with served(refuse_unknown_path) as port, Wire(port) as wire:
        answer = wire.get("/ws?secret=1", *fields, "X-Request-ID: mine")

    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.document["code"], answer.document["instance"]) == ("bad_request", "/ws")
    assert answer.document["request_id"] == answer.headers["x-request-id"] == "mine"


def test_another_method_is_405() -> None:
    with served(refuse_unknown_path) as port, Wire(port) as wire:
        answer = wire.get("/ws", *handshake(), method="POST")

    assert (answer.status, answer.headers["allow"]) == (405, "GET")
    assert answer.document["code"] == "method_not_allowed"


def test_one_that_the_application_ends_with_an_error_is_500() -> None:
    async def broken(scope, receive, send):
        raise RuntimeError("canary")

    with served(broken) as port, Wire(port) as wire:
        answer = wire.get("/ws", *handshake())

    assert (answer.status, answer.document["code"]) == (500, "server_error")
    assert "canary" not in str(answer.document)


def test_a_refusal_is_no_error_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    with served(refuse_unknown_path) as port, Wire(port) as wire:
        assert wire.get("/ws", *handshake()).status == 404

    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
