"""Heartbeats, limits, and every way in which a stream ends."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import pairwise

from apps.realtime.transports.sse.wire import RETRY_MS
from tests.apps.realtime.live import Account, Live, Web
from tests.apps.realtime.sse.stream import CONNECTED, DISCONNECTED, Event, Stream
from tests.patience import PATIENCE_S
from tests.veza.asgi.wire import until

REVOKED_WITHIN_S = 5.0
TRIES = 5  # a busy machine may let the half second pass in which a stopping port is open


def test_a_comment_line_comes_every_so_often(live: Live) -> None:
    with live.another_web(SSE_HEARTBEAT_S=1) as web:
        came_at = [time.monotonic()]
        with Stream(web.port) as stream:
            assert stream.next() == CONNECTED
            for nth in range(1, 4):
                assert stream.next() == Event(is_comment=True)
                came_at.append(time.monotonic())
                assert came_at[-1] - came_at[0] >= nth - 0.2
        # A machine that stands still makes one late, and then the next comes the sooner.
        assert min(later - earlier for earlier, later in pairwise(came_at)) < 1.8


class TestLimit:
    def test_the_oldest_gives_way_to_the_newest(self, live: Live) -> None:
        with live.another_web(SSE_MAX_CLIENTS=3) as web, ExitStack() as stack:
            streams = []
            for _ in range(5):
                streams.append(stack.enter_context(Stream(web.port)))
                assert streams[-1].next() == CONNECTED
            assert [stream.rest() for stream in streams[:2]] == [[DISCONNECTED]] * 2
            ids = live.commit([{}])
            assert [stream.facts(1) for stream in streams[2:]] == [ids] * 3

    def test_a_storm_leaves_as_many_as_there_may_be(self, live: Live) -> None:
        """P8, small: 60 clients at once where 20 may be."""
        with live.another_web(SSE_MAX_CLIENTS=20) as web, ExitStack() as stack:
            with ThreadPoolExecutor(30) as pool:
                streams = list(pool.map(lambda _: Stream(web.port), range(60)))
            for stream in streams:
                stack.enter_context(stream)
                assert stream.next() == CONNECTED
            ids = live.commit([{}])
            received = [stream.event() for stream in streams]
            assert received.count(DISCONNECTED) == 40
            assert [event.id for event in received if event != DISCONNECTED] == ids * 20


class TestRevocation:
    def test_the_end_of_a_session_ends_its_streams(self, live: Live, web: Web) -> None:
        caller, other = web.register(), web.register()
        with (
            Stream(web.port, headers=caller.headers) as ended,
            Stream(web.port, headers=other.headers) as going_on,
        ):
            assert [ended.next(), going_on.next()] == [CONNECTED] * 2
            web.log_out(caller)
            asked = time.monotonic()
            assert ended.rest() == [DISCONNECTED]
            assert time.monotonic() - asked < REVOKED_WITHIN_S
            ids = live.commit([{}])
            assert going_on.facts(1) == ids

    def test_wherever_they_are_open(self, live: Live, web: Web) -> None:
        caller = web.register()
        with (
            live.another_web() as other,
            Stream(other.port, headers=caller.headers) as stream,
        ):
            assert stream.next() == CONNECTED
            web.log_out(caller)
            assert stream.rest() == [DISCONNECTED]

    def test_the_end_of_a_token_ends_the_stream(self, live: Live, web: Web) -> None:
        token = live.short_token(web.register(), lifetime_s=3)
        with Stream(web.port, headers={"Authorization": f"Bearer {token}"}) as stream:
            assert stream.next() == CONNECTED
            assert stream.rest() == [DISCONNECTED]


class TestShutdown:
    def test_clients_are_told_when_to_come_back(self, live: Live) -> None:
        with live.another_web() as web, ExitStack() as stack:
            streams = [stack.enter_context(Stream(web.port)) for _ in range(30)]
            assert [stream.next() for stream in streams] == [CONNECTED] * 30
            assert web.end() == 0
            last = [stream.rest() for stream in streams]
        delays = [int(event.retry or 0) for [event] in last]
        assert {event.data for [event] in last} == {"disconnected"}
        assert RETRY_MS[0] <= min(delays) <= max(delays) <= RETRY_MS[1]
        assert len(set(delays)) > 20, "they would all come back at once"

    def test_who_comes_while_it_stops_is_told_too(self, live: Live) -> None:
        """Not by a status: EventSource never comes back after any but 200."""
        refused: list[list[Event]] = []
        for _ in range(TRIES):
            answers = self._answers_of_one_that_stops(live)
            assert {status for status, _ in answers} <= {200}
            refused += [events for _, events in answers if events[:1] != [CONNECTED]]
            if refused:
                break
        assert refused
        assert all(len(events) == 1 and events[0].retry for events in refused)
        assert {events[0].data for events in refused} == {"disconnected"}

    @staticmethod
    def _answers_of_one_that_stops(live: Live) -> list[tuple[int, list[Event]]]:
        with live.another_web() as web, Stream(web.port) as first, ExitStack() as stack:
            assert first.next() == CONNECTED
            assert web.process is not None
            web.process.terminate()
            answers: list[tuple[int, list[Event]]] = []
            deadline = time.monotonic() + PATIENCE_S
            with suppress(OSError):  # the port is closed
                while time.monotonic() < deadline:
                    stream = stack.enter_context(Stream(web.port))
                    answers.append((stream.status, stream.rest()))
            assert time.monotonic() < deadline
            return answers

    def test_a_replay_in_progress_does_not_hold_it_up(self, live: Live, web: Web) -> None:
        ids = live.commit([{"text": "x" * 2_000}] * 4_000)
        live.wait_until_logged(ids)
        with (
            live.another_web() as other,
            Stream(other.port, last_event_id=ids[0], receive_bytes=4_096) as stream,
        ):
            assert stream.next() == CONNECTED
            assert other.end() == 0


class TestSlowClients:
    def test_who_does_not_read_is_cut_off_and_may_come_back(self, live: Live, web: Web) -> None:
        """P7, small: others are served meanwhile, and nothing is lost for him."""
        ids: list[str] = []
        with Stream(web.port) as reader, Stream(web.port, receive_bytes=4_096) as sleeper:
            assert [reader.next(), sleeper.next()] == [CONNECTED] * 2
            for _ in range(30):
                batch = live.commit([{"text": "x" * 1_000}] * 50)
                assert reader.facts(50) == batch
                ids += batch
            seen = [event.id for event in sleeper.rest() if event.id in ids]
        assert len(seen) < 1_500
        assert seen == ids[: len(seen)]
        last = seen[-1] or ""
        with Stream(web.port, headers={"Last-Event-ID": last}) as stream:
            assert stream.next() == CONNECTED
            assert stream.facts(1_500 - len(seen)) == ids[len(seen) :]


def test_a_client_that_goes_is_forgotten(live: Live, web: Web) -> None:
    before = open_streams(web)
    with ExitStack() as stack:
        streams = [stack.enter_context(Stream(web.port)) for _ in range(5)]
        assert [stream.next() for stream in streams] == [CONNECTED] * 5
        assert open_streams(web) == before + 5
    until(lambda: open_streams(web) == before)


def open_streams(web: Web) -> int:
    """As the metric tells it."""
    found = re.search(
        r'veza_realtime_connections\{transport="sse"\} ([0-9.]+)', web.call("GET", "/metrics").text
    )
    return int(float(found[1])) if found else 0


def test_a_failing_client_harms_nobody(live: Live, web: Web, account: Account) -> None:
    """Clients that break off at any moment, while facts are sent."""
    done = threading.Event()

    def come_and_go(_: int) -> None:
        while not done.is_set():
            Stream(web.port).close()

    with Stream(web.port) as stream, ThreadPoolExecutor(8) as pool:
        assert stream.next() == CONNECTED
        for n in range(8):
            pool.submit(come_and_go, n)
        ids = [id_ for _ in range(100) for id_ in live.commit([{}] * 3)]
        assert stream.facts(300) == ids
        done.set()
