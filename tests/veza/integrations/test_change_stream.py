"""One suite for every stream of changes."""

import threading
import time
from collections.abc import Iterable
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection

from tests.patience import PATIENCE_S
from veza.integrations.change_stream import (
    FIRST,
    ChangeStream,
    ChangeStreamRewoundError,
    ChangeStreamUnavailableError,
    Entry,
    EntryId,
    Read,
)
from veza.integrations.change_stream.memory import MemoryChangeStream
from veza.integrations.change_stream.nats import NatsChangeStream
from veza.integrations.change_stream.postgres import PostgresChangeStream
from veza.integrations.change_stream.redis import RedisChangeStream

pytestmark = pytest.mark.django_db


def entry(lsn: int, number: int = 0, value: str = "") -> Entry:
    value = value or f'{{"at":"{lsn}-{number}"}}'
    return Entry(EntryId(lsn, number), b'{"id":1}', value.encode())


def values(found: Iterable[Read]) -> list[str]:
    return [each.value.decode() for each in found]


@pytest.fixture(
    params=[
        MemoryChangeStream,
        pytest.param(RedisChangeStream, id="redis"),
        pytest.param(PostgresChangeStream, id="postgres"),
        pytest.param(NatsChangeStream, id="nats", marks=pytest.mark.needs_nats),
    ]
)
def stream(request):
    if request.param is RedisChangeStream and not settings.REDIS_URL:
        pytest.skip("REDIS_URL is not set.")
    return request.param()


@pytest.fixture
def topic(stream):
    name = f"{settings.REDIS_NAMESPACE}:test.{uuid4().hex}".replace(":", "_")
    yield name
    stream.clear(name)
    if isinstance(stream, NatsChangeStream):
        stream._run(forget(stream, name))


async def forget(stream: NatsChangeStream, topic: str) -> None:
    js = await stream._js(topic)
    await js.delete_stream(topic.replace(".", "_"))


def everything(stream: ChangeStream, topic: str, *, limit: int = 100) -> list[Read]:
    found: list[Read] = []
    place = FIRST
    while page := stream.read(topic, place, limit=limit, wait_s=0.2):
        found += page
        place = page[-1].place
    return found


class TestAppend:
    def test_keeps_entries_in_their_order(self, stream, topic):
        stream.append(topic, [entry(100, 0), entry(100, 1), entry(108, 0)], behind=None)
        stream.append(topic, [entry(116, 0)], behind=None)

        assert values(everything(stream, topic)) == [
            '{"at":"100-0"}', '{"at":"100-1"}', '{"at":"108-0"}', '{"at":"116-0"}',
        ]  # fmt: skip

    def test_passes_over_what_is_there_already(self, stream, topic):
        stream.append(topic, [entry(100, 0), entry(100, 1)], behind=None)

        stream.append(topic, [entry(92, 0), entry(100, 1), entry(100, 2)], behind=None)

        assert values(everything(stream, topic)) == [
            '{"at":"100-0"}', '{"at":"100-1"}', '{"at":"100-2"}',
        ]  # fmt: skip

    def test_keeps_any_text(self, stream, topic):
        text = '{"a":"ä\\u0001 𝄞","b":' + "[" * 50 + "]" * 50 + "}"

        stream.append(topic, [entry(8, value=text)], behind=None)

        assert values(everything(stream, topic)) == [text]

    def test_takes_places_as_large_as_postgresql_has_them(self, stream, topic):
        stream.append(topic, [entry(1 << 45, 199_999), entry((1 << 45) + 8, 0)], behind=None)

        assert stream.last(topic) == EntryId((1 << 45) + 8, 0)

    def test_a_batch_of_thousands(self, stream, topic):
        stream.append(topic, [entry(800, number) for number in range(3000)], behind=None)

        assert len(everything(stream, topic, limit=700)) == 3000

    def test_goes_on_behind_the_last(self, stream, topic):
        stream.append(topic, [entry(100)], behind=None)

        stream.append(topic, [entry(108)], behind=EntryId(100, 0))

        assert stream.last(topic) == EntryId(108, 0)

    def test_is_refused_where_the_stream_has_lost_its_end(self, stream, topic):
        stream.append(topic, [entry(100)], behind=None)
        everything(stream, topic)
        stream.clear(topic)

        with pytest.raises(ChangeStreamRewoundError):
            stream.append(topic, [entry(108)], behind=EntryId(100, 0))

        assert everything(stream, topic) == []


class TestAsk:
    """Whatever was asked before, a read finds what there is."""

    def test_what_was_asked_for_is_read(self, stream, topic):
        stream.append(topic, [entry(8, number) for number in range(5)], behind=None)
        place = stream.read(topic, FIRST, limit=2, wait_s=2)[-1].place

        stream.ask(topic, place, limit=2)

        assert values(stream.read(topic, place, limit=2, wait_s=2)) == [
            '{"at":"8-2"}', '{"at":"8-3"}',
        ]  # fmt: skip
        assert len(stream.read(topic, place, limit=10, wait_s=2)) == 3

    def test_something_else_may_be_read(self, stream, topic):
        stream.append(topic, [entry(8, number) for number in range(5)], behind=None)
        place = stream.read(topic, FIRST, limit=2, wait_s=2)[-1].place

        for _ in range(3):
            stream.ask(topic, place, limit=2)

        assert values(stream.read(topic, FIRST, limit=1, wait_s=2)) == ['{"at":"8-0"}']
        assert len(stream.read(topic, place, limit=2, wait_s=2)) == 2

    def test_what_came_after_the_question_is_waited_for(self, stream, topic):
        stream.append(topic, [entry(8, 0)], behind=None)
        place = stream.read(topic, FIRST, limit=2, wait_s=2)[-1].place
        stream.ask(topic, place, limit=2)

        stream.append(topic, [entry(8, 1)], behind=None)

        assert values(stream.read(topic, place, limit=2, wait_s=2)) == ['{"at":"8-1"}']

    def test_of_connections_that_were_cut_another_is_taken(self, redis_connection):
        topic = f"{settings.REDIS_NAMESPACE}_test_{uuid4().hex}"
        stream = RedisChangeStream(f"{settings.REDIS_URL}?client_name={topic}")
        stream.append(topic, [entry(8, number) for number in range(3)], behind=None)
        stream.ask(topic, FIRST, limit=2)

        for each in redis_connection.client_list():
            if each["name"] == topic:
                redis_connection.client_kill(each["addr"])

        assert len(stream.read(topic, FIRST, limit=2, wait_s=2)) == 2
        stream.clear(topic)


class TestLast:
    def test_is_none_of_a_stream_that_never_was(self, stream, topic):
        assert stream.last(topic) is None

    def test_is_the_newest(self, stream, topic):
        stream.append(topic, [entry(100, 0), entry(100, 1)], behind=None)

        assert stream.last(topic) == EntryId(100, 1)

    def test_is_known_after_all_was_read_and_trimmed(self, stream, topic):
        stream.append(topic, [entry(100, number) for number in range(10)], behind=None)
        place = everything(stream, topic)[-1].place

        stream.trim(topic, place)

        assert stream.last(topic) == EntryId(100, 9)


class TestRead:
    def test_goes_on_after_a_place(self, stream, topic):
        stream.append(topic, [entry(100, number) for number in range(5)], behind=None)
        second = stream.read(topic, FIRST, limit=2, wait_s=0.2)[-1].place

        assert values(stream.read(topic, second, limit=2, wait_s=0.2)) == [
            '{"at":"100-2"}', '{"at":"100-3"}',
        ]  # fmt: skip

    def test_can_go_back(self, stream, topic):
        stream.append(topic, [entry(100, number) for number in range(5)], behind=None)
        everything(stream, topic)

        assert values(stream.read(topic, FIRST, limit=1, wait_s=0.2)) == ['{"at":"100-0"}']

    def test_gives_up_waiting(self, stream, topic):
        began = time.monotonic()

        assert stream.read(topic, FIRST, limit=2, wait_s=0.2) == []
        assert time.monotonic() - began < PATIENCE_S

    @pytest.mark.django_db(transaction=True)
    def test_returns_as_soon_as_something_comes(self, stream, topic):
        writer = stream if isinstance(stream, MemoryChangeStream) else type(stream)()
        stream.append(topic, [entry(8)], behind=None)
        # A machine that stands still at the wrong moment may have it come late.
        assert any(self._comes_at_once(stream, writer, topic, 100 + n) for n in range(5))

    @staticmethod
    def _comes_at_once(stream, writer, topic, number) -> bool:
        place = everything(stream, topic)[-1].place

        def write():
            writer.append(topic, [entry(number)], behind=None)
            connection.close()

        timer = threading.Timer(0.1, write)
        timer.start()
        began = time.monotonic()

        found = stream.read(topic, place, limit=2, wait_s=2.4)

        took_s = time.monotonic() - began
        timer.join()
        assert values(found) in ([], [f'{{"at":"{number}-0"}}'])
        return bool(found) and took_s < 2


class TestClear:
    def test_takes_smaller_places_afterwards(self, stream, topic):
        stream.append(topic, [entry(1000)], behind=None)
        place = everything(stream, topic)[-1].place

        stream.clear(topic)
        stream.append(topic, [entry(100)], behind=None)

        assert stream.last(topic) == EntryId(100, 0)
        start = FIRST if stream.ends_before(topic, place) else place
        assert values(stream.read(topic, start, limit=5, wait_s=0.5)) == ['{"at":"100-0"}']


def test_one_that_still_fills_does_not_end_before_a_place_that_was_read(stream, topic):
    stream.append(topic, [entry(100), entry(108)], behind=None)
    place = stream.read(topic, FIRST, limit=1, wait_s=0.2)[-1].place

    assert not stream.ends_before(topic, place)


@pytest.mark.parametrize("kind", [RedisChangeStream, NatsChangeStream])
def test_one_that_is_away_says_so(kind, monkeypatch):
    monkeypatch.setattr("veza.integrations.change_stream.nats.TIMEOUT_S", 0.5)
    scheme = "redis" if kind is RedisChangeStream else "nats"
    stream = kind(f"{scheme}://127.0.0.1:1")

    with pytest.raises(ChangeStreamUnavailableError):
        stream.last("nowhere")
    with pytest.raises(ChangeStreamUnavailableError):
        stream.append("nowhere", [entry(8)], behind=None)
    with pytest.raises(ChangeStreamUnavailableError):
        stream.read("nowhere", FIRST, limit=1, wait_s=0.1)
