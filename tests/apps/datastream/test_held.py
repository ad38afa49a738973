"""What is held of a list is the list, or it is said that more would have to be known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.datastream.rules import held
from apps.datastream.rules.held import HeldRounds, place_of
from apps.datastream.rules.pages import newest_page, page_json

CHANGES = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 6), st.booleans()), max_size=60)


def document(number: int, at: int) -> bytes:
    return (
        b'{"id":%d,"game_id":"g","game_slug":"dice","game_type":"luck",'
        b'"finished_at":"2026-11-21T10:00:00.00%d%03dZ","extras":{"timestamp":1},"timestamp":%d}'
    ) % (number, at // 3, at, at // 3)


@given(st.lists(st.integers(0, 6), max_size=20), CHANGES, st.integers(1, 12))
def test_it_is_the_newest_of_all_rounds(first, changes, limit):
    whole = {number + 100: document(number + 100, at) for number, at in enumerate(first)}
    most = held.HELD
    try:
        held.HELD = 8
        newest = sorted(whole.values(), key=place_of, reverse=True)
        rounds = HeldRounds(newest[:8], is_whole=len(newest) < 8)
        for number, at, is_removed in changes:
            whole.pop(number, None)
            rounds.remove(number)
            if not is_removed:
                whole[number] = document(number, at)
                rounds.put(whole[number])
    finally:
        held.HELD = most

    found = rounds.newest(limit)
    everything = sorted(whole.values(), key=place_of, reverse=True)
    assert found is None or found == everything[:limit]
    if len(rounds):
        top = max(everything, key=lambda each: (place_of(each)[0], place_of(each)[2]))
        held_times = {place_of(each)[0] for each in rounds.newest(len(rounds)) or ()}
        is_sure = rounds.is_whole or len(held_times) > 1
        assert rounds.latest() == (top if is_sure else None)
    if len(first) + len(changes) < 8:
        assert found is not None


def test_the_latest_may_be_one_of_those_of_the_same_millisecond_that_are_not_held(monkeypatch):
    monkeypatch.setattr(held, "HELD", 2)
    rounds = HeldRounds([document(9, 3)], is_whole=True)

    rounds.put(document(1, 4))
    assert rounds.latest() == document(9, 3)

    rounds.put(document(2, 5))
    assert rounds.latest() is None


@pytest.mark.parametrize("text", [b"", b"{}", b'{"id":1}', b'{"id":"x","timestamp":1}'])
def test_what_is_no_round_is_refused(text):
    with pytest.raises(ValueError, match="no round"):
        place_of(text)


def test_a_page_without_neighbours_has_no_links():
    page = newest_page([document(1, 1)], limit=1)

    assert page_json(page, lambda _: "never").endswith(b'],"next":null,"previous":null}')
