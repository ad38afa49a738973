"""P4: a place in the log gives exactly what was missed, or is said to be lost; never silence.

One table of places for every transport, with Redis, without it, and while it is away.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.apps.realtime.live import Live, Web, installed
from tests.apps.realtime.resuming import (
    Answer,
    Place,
    Resume,
    Told,
    by_events,
    by_json,
    by_list,
    by_protobuf,
)
from tests.apps.realtime.sse.stream import CONNECTED, Stream
from veza.embedded.ports import free_port
from veza.kit.models import new_id

CROWDED, FACTS_THERE = "public", 10_150
ROOM, FACTS = "metrics", 100
DROPPED = 10
BATCH = 2_000
REDIS = ("up", "down", "none")


@dataclass(frozen=True, kw_only=True)
class Log:
    """The log as it is now: ids and positions of all facts, and those that are held no longer."""

    epoch: str
    held: dict[int, str]
    rooms: dict[int, str]
    dropped: dict[int, str]

    @property
    def head(self) -> int:
        return max(self.held)

    @property
    def oldest(self) -> int:
        return min(self.held)

    def at(self, position: int) -> Place:
        """Of the fact there, by its id and by its position."""
        known = self.dropped | self.held
        return Place(id=known.get(position), offset=position, epoch=self.epoch)

    def since(self, position: int, room: str) -> list[str]:
        """What a client of this room has missed that was there."""
        return [id_ for at, id_ in self.held.items() if at > position and self.rooms[at] == room]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A place, and what there is to tell: `after` a position, or a reason by id and by offset."""

    place: Callable[[Log], Place]
    after: Callable[[Log], int] | None = None
    by_id: str | None = None
    by_offset: str | None = None
    room: str = ROOM


LOST = "not recovered"
CASES: dict[str, Case] = {
    "none": Case(place=lambda log: Place(), after=lambda log: log.head),
    "last": Case(place=lambda log: log.at(log.head), after=lambda log: log.head),
    "last - 7": Case(place=lambda log: log.at(log.head - 7), after=lambda log: log.head - 7),
    "oldest": Case(place=lambda log: log.at(log.oldest), after=lambda log: log.oldest),
    "expired": Case(
        place=lambda log: log.at(log.oldest - 2), by_id="expired", by_offset=LOST
    ),
    "future": Case(
        place=lambda log: Place(id=str(new_id()), offset=log.head + 9, epoch=log.epoch),
        by_id="unknown", by_offset=LOST,
    ),
    "other epoch": Case(
        place=lambda log: Place(offset=log.head, epoch="another"), by_offset=LOST
    ),
    "garbage": Case(
        place=lambda log: Place(id="' OR 1=1", offset=2**64 - 1, epoch="' OR 1=1"),
        by_id="invalid", by_offset=LOST,
    ),
    "epoch and position as an id": Case(
        place=lambda log: Place(id=f"{log.epoch}:{log.head}"), by_id="invalid"
    ),
    "10 kB": Case(
        place=lambda log: Place(id="7" * 10_240, offset=1, epoch="7" * 10_240),
        by_id="invalid", by_offset=LOST,
    ),
    "negative": Case(
        place=lambda log: Place(id="-1", offset=-1, epoch=log.epoch),
        by_id="invalid", by_offset="closed 3501",
    ),
    "too much": Case(
        place=lambda log: log.at(log.oldest), room=CROWDED, by_id="too_many", by_offset=LOST
    ),
}  # fmt: skip
TRANSPORTS: dict[str, Resume] = {
    "sse": by_events, "pull": by_list, "centrifugo-json": by_json,
    "centrifugo-protobuf": by_protobuf,
}  # fmt: skip
BY_ID = ("sse", "pull")


def can_be_said(case: Case, transport: str) -> bool:
    """Protobuf has no place for a number below 0; ids carry no epoch."""
    by = case.by_id if transport in BY_ID else case.by_offset
    is_negative = case is CASES["negative"] and transport == "centrifugo-protobuf"
    return (case.after is not None or by is not None) and not is_negative


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """With a log whose oldest facts have been dropped."""
    with installed(tmp_path_factory.mktemp("live")) as live:
        for first in range(0, FACTS_THERE, BATCH):
            live.commit([{}] * min(BATCH, FACTS_THERE - first), rooms=[CROWDED])
        live.wait_until_logged(live.commit([{}] * FACTS, rooms=[ROOM]))
        yield live


@pytest.fixture(scope="module")
def dropped(live: Live) -> dict[int, str]:
    """Facts that the log held once, by position."""
    rows = live.query("DELETE FROM events_log WHERE position <= %s RETURNING position, id", DROPPED)
    return {position: str(id_) for position, id_ in rows}


@pytest.fixture(scope="module", params=REDIS)
def web(live: Live, dropped: dict[int, str], request: pytest.FixtureRequest) -> Iterator[Web]:
    """A process that began when these had been dropped."""
    addresses = {"down": f"redis://127.0.0.1:{free_port()}/0", "none": ""}
    change = {} if request.param == "up" else {"REDIS_URL": addresses[request.param]}
    with live.another_web(**change) as web:
        yield web


@pytest.fixture
def log(live: Live, web: Web, dropped: dict[int, str]) -> Log:
    """All of which the process has handed out: without Redis it reads a moment later."""
    with Stream(web.port, rooms=CROWDED) as stream:
        assert stream.next() == CONNECTED
        [newest] = live.commit([{}], rooms=[CROWDED])
        while stream.event().id != newest:
            pass
    rows = live.query("SELECT position, id, rooms[1] FROM events_log ORDER BY position")
    [[epoch]] = live.query("SELECT epoch FROM events_epoch")
    held = {position: str(id_) for position, id_, _ in rows}
    rooms = {position: room for position, _, room in rows}
    return Log(epoch=epoch, held=held, rooms=rooms, dropped=dropped)


def wanted(case: Case, transport: str, log: Log) -> Answer:
    if transport == "pull" and not case.by_id:  # it begins with the oldest, and has no limit
        after = case.after(log) if case.place(log).id and case.after else 0
        return log.since(after, case.room)
    if transport == "pull" and case.by_id == "too_many":
        return log.since(log.oldest, case.room)
    if case.after is not None:
        return log.since(case.after(log), case.room)
    reason = case.by_id if transport in BY_ID else case.by_offset
    assert reason is not None
    if reason.startswith("closed"):
        return Told(reason)
    return Told(reason, log.epoch, log.head)


@pytest.mark.parametrize(
    ("transport", "name"),
    [(t, name) for t in TRANSPORTS for name, case in CASES.items() if can_be_said(case, t)],
)
def test_a_place_is_resumed_or_said_to_be_lost(
    live: Live, web: Web, log: Log, transport: str, name: str
) -> None:
    case = CASES[name]
    want = wanted(case, transport, log)
    count = -1 if isinstance(want, Told) else len(want)
    got = TRANSPORTS[transport](live, web, case.room, case.place(log), count)
    assert got == want


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_place_before_all_that_is_held_gives_all(
    live: Live, web: Web, log: Log, transport: str
) -> None:
    """By position nothing is missing between it and the oldest; an id that is gone tells none."""
    place = log.at(log.oldest - 1)
    all_held = log.since(0, ROOM)
    want: Answer = Told("expired", log.epoch, log.head) if transport in BY_ID else all_held
    count = -1 if transport in BY_ID else len(all_held)
    assert TRANSPORTS[transport](live, web, ROOM, place, count) == want


class TestEmptyLog:
    """Of an installation in which nothing has happened yet."""

    @pytest.fixture
    def live(self, tmp_path: Path) -> Iterator[Live]:
        with installed(tmp_path) as live:
            yield live

    def test_has_nothing_that_was_missed_and_knows_no_id(self, live: Live) -> None:
        [[epoch]] = live.query("SELECT epoch FROM events_epoch")
        strange = str(new_id())
        with Stream(live.web.port, headers={"Last-Event-ID": strange}) as stream:
            assert stream.next() == CONNECTED
            reset = stream.event()
        assert reset.id == ""
        assert reset.json == {"epoch": epoch, "position": 0, "reason": "unknown"}
        lost = live.web.call("GET", "/api/v1/events", params={"after": strange})
        assert (lost.status_code, lost.json()["reason"]) == (410, "unknown")
        assert by_events(live, live.web, ROOM, Place(), 0) == []

    @pytest.mark.parametrize("transport", ["centrifugo-json", "centrifugo-protobuf", "pull"])
    def test_is_a_place_from_which_to_go_on(self, live: Live, transport: str) -> None:
        [[epoch]] = live.query("SELECT epoch FROM events_epoch")
        place = Place() if transport == "pull" else Place(offset=0, epoch=epoch)
        assert TRANSPORTS[transport](live, live.web, ROOM, place, 0) == []
