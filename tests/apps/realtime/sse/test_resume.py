"""P4, P5: who comes back gets exactly what he missed, or is told that this cannot be told."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import pytest

from tests.apps.realtime.live import Live, Web
from tests.apps.realtime.sse.stream import CONNECTED, Event, Stream, handed_out
from tests.veza.asgi.wire import until
from veza.kit.models import new_id

PER_S = 500
CLIENTS = 60
FACTS = 2_000
BATCH = 500


def logged(live: Live, web: Web, count: int, *, rooms: Sequence[str] = ("metrics",)) -> list[str]:
    """Publish so many facts; they have come to the web process when this returns."""
    with Stream(web.port, rooms=",".join(rooms)) as stream:
        assert stream.next() == CONNECTED
        ids: list[str] = []
        while len(ids) < count:
            batch = range(min(BATCH, count - len(ids)))
            ids += live.commit([{"n": n} for n in batch], rooms=rooms)
            assert stream.facts(len(batch)) == ids[-len(batch) :]
    return ids


@pytest.fixture
def marker(live: Live, web: Web) -> str:
    """The last fact before those of the test."""
    return logged(live, web, 1)[0]


class TestKnownIds:
    def test_what_was_missed_comes_once_and_in_order_and_then_what_happens(
        self, live: Live, web: Web, marker: str
    ) -> None:
        missed = logged(live, web, 5)
        with Stream(web.port, headers={"Last-Event-ID": marker}) as stream:
            assert stream.next() == CONNECTED
            assert stream.facts(5) == missed
            now = live.commit([{}, {}])
            assert stream.facts(2) == now

    @pytest.mark.parametrize("seen", [0, 3, 4])
    def test_the_fact_with_the_id_is_not_sent_again(
        self, live: Live, web: Web, marker: str, seen: int
    ) -> None:
        ids = logged(live, web, 5)
        with Stream(web.port, last_event_id=ids[seen]) as stream:
            assert stream.next() == CONNECTED
            last = live.commit([{}])
            assert stream.facts(5 - seen) == ids[seen + 1 :] + last

    def test_an_id_of_another_room_is_a_place_in_the_log(
        self, live: Live, web: Web, marker: str
    ) -> None:
        [elsewhere] = logged(live, web, 1, rooms=["public"])
        ids = logged(live, web, 2)
        with Stream(web.port, rooms="metrics", last_event_id=elsewhere) as stream:
            assert stream.next() == CONNECTED
            assert stream.facts(2) == ids

    def test_the_header_is_newer_than_the_address(self, live: Live, web: Web, marker: str) -> None:
        ids = logged(live, web, 3)
        with Stream(web.port, headers={"Last-Event-ID": ids[1]}, last_event_id=marker) as stream:
            assert stream.next() == CONNECTED
            assert stream.facts(1) == ids[2:]

    @pytest.mark.parametrize("headers", [{}, {"Last-Event-ID": ""}])
    def test_an_empty_one_is_none(self, live: Live, web: Web, headers: dict[str, str]) -> None:
        logged(live, web, 3)
        with Stream(web.port, headers=headers, last_event_id="") as stream:
            assert stream.next() == CONNECTED
            now = live.commit([{}])
            assert stream.facts(1) == now

    def test_after_a_restart_it_is_the_same(self, live: Live, web: Web, marker: str) -> None:
        missed = logged(live, web, 50)
        web.restart(kill=True)
        with Stream(web.port, headers={"Last-Event-ID": marker}) as stream:
            assert stream.next() == CONNECTED
            assert stream.facts(50) == missed

    def test_many_facts_of_many_bytes_come_whole(self, live: Live, web: Web, marker: str) -> None:
        """More than a slow client's budget: what is replayed waits for the reader."""
        ids = live.commit([{"text": "x" * 1_000, "n": n} for n in range(3_000)])
        live.wait_until_logged(ids)
        last = dict(live.logged(room="metrics"))[ids[-1]]
        until(lambda: handed_out(web.port) >= last)  # what comes live waits for nobody
        with Stream(web.port, last_event_id=marker, receive_bytes=8_192) as stream:
            assert stream.next() == CONNECTED
            events = stream.events(3_000)
            now = live.commit([{}])
            assert stream.facts(1) == now
        assert [event.id for event in events] == ids
        assert [event.json["n"] for event in events] == list(range(3_000))


class TestLostIds:
    @pytest.mark.parametrize(
        "last_event_id",
        ["x", "0", "-1", "1:2", "earliest", "x" * 10_240, "ä", "\u2028", "%00", "{}", "' OR 1=1"],
    )
    def test_garbage_is_invalid(self, live: Live, web: Web, last_event_id: str) -> None:
        assert self.reason(live, web, last_event_id) == "invalid"

    def test_an_id_that_no_fact_has_is_unknown(self, live: Live, web: Web) -> None:
        assert self.reason(live, web, str(uuid4())) == "unknown"

    def test_an_id_of_the_future_is_unknown(self, live: Live, web: Web) -> None:
        assert self.reason(live, web, str(new_id())) == "unknown"

    def test_more_than_10000_facts_are_too_many(self, live: Live, web: Web, marker: str) -> None:
        ids = logged(live, web, 10_001)
        assert self.reason(live, web, marker) == "too_many"
        with Stream(web.port, last_event_id=ids[2]) as stream:  # two more have come since
            assert stream.next() == CONNECTED
            assert stream.facts(10_000)[:-2] == ids[3:]

    def test_an_id_that_the_log_no_longer_holds_is_expired(self, live: Live, web: Web) -> None:
        first, second, _ = logged(live, web, 3)
        live.query("DELETE FROM events_log WHERE id <= %s", second)
        web.restart()
        assert self.reason(live, web, first) == "expired"

    def test_the_header_may_hold_any_bytes(self, web: Web) -> None:
        with Stream(web.port, headers={"Last-Event-ID": "\xff\xfe"}) as stream:
            assert stream.next() == CONNECTED
            assert stream.event().json["reason"] == "invalid"

    def reason(self, live: Live, web: Web, last_event_id: str) -> str:
        """Of the reset; and the stream goes on after the newest fact, whose id it names."""
        [newest] = logged(live, web, 1)
        with Stream(web.port, last_event_id=last_event_id) as stream:
            assert stream.next() == CONNECTED
            reset = stream.event()
            now = live.commit([{}])
            assert stream.facts(1) == now
        [[epoch]] = live.query("SELECT epoch FROM events_epoch")
        [[position]] = live.query("SELECT position FROM events_log WHERE id = %s", newest)
        assert (reset.event, reset.id) == ("reset", newest)
        assert reset.json == {"epoch": epoch, "position": position, "reason": reset.json["reason"]}
        return str(reset.json["reason"])


def test_another_epoch_resets_those_who_watch(live: Live, web: Web) -> None:
    [newest] = logged(live, web, 1)
    with Stream(web.port, last_event_id=newest) as stream:
        assert stream.next() == CONNECTED
        live.query("UPDATE events_epoch SET epoch = 'after-restore'")
        reset = stream.event()
        now = live.commit([{}])
        assert stream.facts(1) == now
    assert (reset.event, reset.id) == ("reset", newest)
    assert reset.json["reason"] == "epoch"
    assert reset.json["epoch"] == "after-restore"


@contextmanager
def publishing(live: Live, ids: list[str]) -> Iterator[threading.Event]:
    """500 facts a second in the background, FACTS in all; their ids, in the order of commits."""
    done = threading.Event()

    def publish() -> None:
        pause = threading.Event()
        for _ in range(FACTS // 10):
            ids.extend(live.commit([{}] * 10))
            pause.wait(10 / PER_S)
        done.set()

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield done
    finally:
        thread.join()


def test_the_seam_between_history_and_now_has_neither_hole_nor_double(
    live: Live, web: Web, marker: str
) -> None:
    """P5: clients come all the time while 500 facts are published a second."""
    ids: list[str] = []

    def watch(_: int) -> list[Event]:
        with Stream(web.port, rooms="metrics", last_event_id=marker) as stream:
            assert stream.next() == CONNECTED
            return stream.events(FACTS)

    def come_back_often(_: int) -> list[Event]:
        """With the id of the last fact that came, whatever it was."""
        events: list[Event] = []
        while len(events) < FACTS:
            last = events[-1].id if events else marker
            with Stream(web.port, headers={"Last-Event-ID": last or ""}) as stream:
                assert stream.next() == CONNECTED
                events += stream.events(min(97, FACTS - len(events)))
        return events

    with ThreadPoolExecutor(CLIENTS) as pool, publishing(live, ids) as done:
        late = []
        for n in range(CLIENTS):
            late.append(pool.submit(come_back_often if n % 4 == 0 else watch, n))
            done.wait(0.03)
        received = [[event.id for event in future.result()] for future in late]
    assert len(ids) == FACTS
    assert [n for n, each in enumerate(received) if each != ids] == []
