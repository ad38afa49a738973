"""What memory holds, what it gives back, and what it lets go."""

import pytest

from apps.realtime import window as windows
from apps.realtime.types import Message
from apps.realtime.window import TooManyError, Window
from tests.apps.realtime.fakes import Clock, fact


def filled(*, facts: int = 10, **options) -> Window:
    window = Window(**options)
    window.clear(epoch="e1", head=0)
    for position in range(1, facts + 1):
        window.append(fact(position, "odd" if position % 2 else "even", "all"))
    return window


def positions(messages: list[Message] | None) -> list[int | None]:
    assert messages is not None
    return [message.position for message in messages]


def test_a_room_gives_what_followed_a_position():
    window = filled()
    assert positions(window.since(["odd"], 3, 100)) == [5, 7, 9]
    assert positions(window.since(["odd"], 9, 100)) == []
    assert positions(window.since(["nobody"], 0, 100)) == []


def test_several_rooms_give_each_fact_once_and_in_order():
    window = filled()
    assert positions(window.since(["odd", "even", "all", "all"], 0, 100)) == list(range(1, 11))


@pytest.mark.parametrize("rooms", [["all"], ["odd", "even"]])
def test_the_limit_is_the_last_that_is_given(rooms):
    window = filled()
    assert len(positions(window.since(rooms, 0, 10))) == 10
    with pytest.raises(TooManyError):
        window.since(rooms, 0, 9)


def test_before_the_floor_it_does_not_know(monkeypatch):
    monkeypatch.setattr(windows, "MIN_FACTS", 0)
    window = filled(max_facts=4)
    assert (window.floor, window.head, len(window)) == (6, 10, 4)
    assert window.since(["all"], 5, 100) is None
    assert positions(window.since(["all"], 6, 100)) == [7, 8, 9, 10]


def test_young_facts_are_kept_and_old_ones_beyond_the_least_number_are_not(monkeypatch):
    monkeypatch.setattr(windows, "MIN_FACTS", 5)
    clock = Clock()
    window = filled(retention_s=60, clock=clock)
    assert len(window) == 10
    clock.pass_(61)
    window.append(fact(11, "all"))
    assert positions(window.since(["all"], window.floor, 100)) == [7, 8, 9, 10, 11]
    assert positions(window.since(["odd"], window.floor, 100)) == [7, 9]


def test_the_size_is_bounded():
    window = filled(max_bytes=windows.FACT_BYTES * 5)
    assert window.size_bytes <= windows.FACT_BYTES * 5
    assert window.head == 10


def test_what_was_let_go_leaves_nothing_behind(monkeypatch):
    monkeypatch.setattr(windows, "MIN_FACTS", 0)
    window = Window(max_facts=10)
    window.clear(epoch="e1", head=0)
    for position in range(1, 1001):
        window.append(fact(position, f"room:{position}", "all"))
    assert len(window._rooms) == 11
    assert len(window._rooms["all"].messages) < 100
    assert len(window._positions) == 10


def test_ids_are_found_while_they_are_held():
    window = filled()
    assert window.position_of(str(fact(7).id)) == 7
    assert window.position_of("0193ffff-0000-7000-8000-000000000000") is None
    assert window.newest_id == fact(10).id


def test_a_gap_is_refused():
    window = filled()
    with pytest.raises(ValueError, match="does not follow"):
        window.append(fact(12, "all"))
