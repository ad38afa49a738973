"""What is remembered of an answer is told again, with what differs from one to the next."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest

from veza.kit.api.hot import Body, HotReads, Known
from veza.kit.api.request_ids import TAILS, RequestIds
from veza.kit.asgi.hot import Peer, read_fields
from veza.kit.asgi.refusals import Message

HEADERS = [
    (b"content-type", b"application/json"), (b"x-ratelimit-limit", b"60"),
    (b"x-ratelimit-remaining", b"40"), (b"x-ratelimit-reset", b"9"), (b"etag", b'"old"'),
    (b"cache-control", b"max-age=5, note=100%"), (b"content-length", b"3"),
    (b"x-request-id", b"theirs"),
]  # fmt: skip
ASKED = b"Host: a\r\n"


class Source:
    """Holds one address."""

    def __init__(self) -> None:
        self.body = Body(b'{"n":1}', '"one"')

    def known(self, path: str, query: str) -> Known:
        return Known("/held", lambda _: self.body, lambda: None)


async def learned(source: Source, *, status: int = 200) -> HotReads:
    reads = HotReads(source)

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": HEADERS})

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def ignore(message: Message) -> None:
        """Nobody asks."""

    scope = {
        "method": "GET", "http_version": "1.1", "raw_path": b"/held", "query_string": b"",
        "headers": [(b"host", b"a")], "client": ("192.0.2.1", 1), "scheme": "http",
    }  # fmt: skip
    await reads.serve(app, scope, receive, ignore)
    return reads


def planned(reads: HotReads) -> Callable[[bytes], bytes]:
    """What answers the request, which is known to be answered."""
    fields = read_fields(ASKED)
    assert fields is not None
    answering = reads.plan(b"/held", fields, Peer("192.0.2.1", "http"))
    assert answering is not None

    def answer(defaults: bytes) -> bytes:
        found = answering(defaults)
        assert found is not None
        return found

    return answer


@pytest.mark.parametrize("defaults", [b"", b"date: now\r\n"])
async def test_an_answer_is_whole_with_and_without_fields_of_the_server(defaults):
    source = Source()
    answering = planned(await learned(source))

    first = answering(defaults)
    source.body = Body(b'{"n":22}', '"two"')
    second = answering(defaults)

    assert first.startswith(b"HTTP/1.1 200 OK\r\n" + defaults + b"content-type: ")
    assert b"note=100%\r\n" in first
    assert first.endswith(b'\r\n\r\n{"n":1}')
    assert b"content-length: 7\r\n" in first
    assert b'etag: "two"\r\n' in second
    assert second.endswith(b'\r\n\r\n{"n":22}')
    assert b"content-length: 8\r\n" in second
    ids = [re.findall(rb"x-request-id: ([^\r]+)", each) for each in (first, second)]
    assert ids[0] != ids[1]


def test_ids_of_requests_are_uuids_of_now_and_differ():
    ids = RequestIds()
    made = [UUID(ids.next().decode()) for _ in range(TAILS)]

    assert len(set(made)) == TAILS
    assert {(each.version, each.variant) for each in made} == {(7, "specified in RFC 4122")}
    assert made[-1].int >> 80 >= made[0].int >> 80
