"""The projector fed with documents: what rooms are told, each change once and in order."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.datastream.models import Game
from apps.datastream.rules import changes
from apps.datastream.rules.changes import Change, ChangeError
from apps.datastream.rules.rounds import readable
from apps.datastream.services import projector
from apps.datastream.services.projector import TOPIC, Projector
from tests.apps.datastream.documents import COMMIT_MS, GAME_ID, document, row
from veza.integrations.change_stream import Entry, EntryId
from veza.integrations.change_stream.memory import MemoryChangeStream
from veza.integrations.projection import (
    Batch,
    ProjectionOvertakenError,
    ProjectionUnavailableError,
    Turn,
)
from veza.integrations.projection.postgres import PostgresProjection

pytestmark = pytest.mark.django_db
OTHER_GAME = "0193a1b2-0000-7000-8000-000000000002"


def committed_at(us: bytes) -> bytes:
    return document("c", after=row(7)).replace(b"%d" % (COMMIT_MS * 1000), us)


class Road:
    """Documents in, messages out."""

    def __init__(self) -> None:
        Game.objects.create(id=GAME_ID, slug="dice", type="luck")
        Game.objects.create(id=OTHER_GAME, slug="crash", type="multiplier")
        self.stream = MemoryChangeStream()
        self.into = PostgresProjection()
        self.projector = self.begin()
        self._count = 0

    def begin(self) -> Projector:
        return Projector(stream=self.stream, into=self.into)

    def send(self, *documents: bytes) -> list[dict[str, Any]]:
        """What the feed holds when these have been projected."""
        entries = []
        for each in documents:
            self._count += 1
            entries.append(Entry(EntryId(8, self._count), b"", each))
        self.stream.append(TOPIC, entries, behind=None)
        while self.projector.step(wait_s=0):
            pass
        return self.told()

    def told(self) -> list[dict[str, Any]]:
        rows = self.into.feed_after(0, limit=1000, wait_s=0)
        return [json.loads(each.envelope) | {"rooms": each.rooms} for each in rows]


@pytest.fixture
def road():
    return Road()


def numbers(told: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(each["type"].removeprefix("round."), each["data"]["id"]) for each in told]


class TestWhatRoomsAreTold:
    @pytest.mark.parametrize("wrapped", [False, True])
    def test_an_inserted_row_is_a_finished_round(self, road, wrapped):
        after = row(7, extras='{"number": 3}', at="2026-11-21T10:00:00.5Z")

        [told] = road.send(document("c", after=after, wrapped=wrapped))

        assert told["data"] == {
            "id": 7, "game_id": GAME_ID, "game_slug": "dice", "game_type": "luck",
            "finished_at": "2026-11-21T10:00:00.500000Z", "extras": {"number": 3},
            "timestamp": 1_795_255_200_500,
        }  # fmt: skip
        assert told["rooms"] == ("game:dice", "game-type:luck", "games")
        assert (told["type"], told["position"], told["version"]) == ("round.finished", 1, 1)
        assert told["subject"] == {"type": "round", "id": "7"}
        assert told["actor"] is None

    def test_an_id_is_a_uuid7_of_the_commit_and_the_row(self, road):
        [told] = road.send(document("c", after=row(7)))

        parts = told["id"].split("-")
        assert int(parts[0] + parts[1], 16) == COMMIT_MS
        assert parts[2].startswith("7")
        assert parts[4].endswith("7")

    def test_a_changed_row_is_a_correction(self, road):
        told = road.send(
            document("c", after=row(7)),
            document("u", before=row(7), after=row(7, extras='{"x": 1}')),
        )

        assert numbers(told) == [("finished", 7), ("corrected", 7)]
        assert told[1]["data"]["extras"] == {"x": 1}

    def test_a_large_value_that_did_not_change_is_taken_from_the_row_before(self, road):
        told = road.send(
            document(
                "u", before=row(7, extras='{"x": 1}'),
                after=row(7, extras="__debezium_unavailable_value"),
            )
        )  # fmt: skip

        assert told[0]["data"]["extras"] == {"x": 1}

    def test_a_deleted_row_is_a_removed_round(self, road):
        told = road.send(document("d", before=row(7)), b"")

        assert numbers(told) == [("removed", 7)]

    def test_a_round_that_goes_to_another_game_leaves_the_first(self, road):
        told = road.send(document("u", before=row(7), after=row(7, game=OTHER_GAME)))

        assert numbers(told) == [("removed", 7), ("corrected", 7)]
        assert [each["rooms"][0] for each in told] == ["game:dice", "game:crash"]
        assert told[0]["id"] != told[1]["id"]

    def test_a_round_that_gets_another_number_leaves_the_first(self, road):
        told = road.send(document("c", after=row(7)), document("u", before=row(7), after=row(8)))

        assert numbers(told) == [("finished", 7), ("removed", 7), ("corrected", 8)]

    def test_rows_of_a_snapshot_are_not_told(self, road):
        assert road.send(document("r", after=row(7))) == []

    def test_an_emptied_table_begins_a_new_epoch(self, road):
        before = road.send(document("c", after=row(7)))[0]["epoch"]

        [told] = road.send(document("t", sequence=(None, 16)), document("c", after=row(8)))

        assert told["epoch"] != before
        assert (told["position"], told["data"]["id"]) == (2, 8)

    @pytest.mark.parametrize(
        "senseless",
        [
            b"{", b"[]", b"7", b'"x"', b'{"op":"c"}', document("c", after=None),
            document("c", after={"id": 7}), document("c", after=row(7, at="never")),
            document("c", after=row(7, extras="{")),
            committed_at(b"1" + b"0" * 20), committed_at(b"-1"),
            document("c", after=row(7, game="0193a1b2-0000-7000-8000-00000000dead")),
        ],
    )  # fmt: skip
    def test_what_makes_no_sense_holds_nobody_up(self, road, senseless):
        told = road.send(senseless, document("c", after=row(8)))

        assert numbers(told) == [("finished", 8)]
        assert told[0]["position"] == 1

    def test_extras_are_told_as_they_came(self, road):
        extras = '{"odds": 2.50, "name": "\\ud834\\udd1e {}", "at": [1, {"x": null}]}'

        road.send(document("c", after=row(7, extras=extras)))

        assert f'"extras":{extras},' in road.into.feed_after(0, limit=1, wait_s=0)[0].envelope

    @pytest.mark.parametrize("extras", ["NaN", '{"a": 1} ', '{"a":\n1}'])
    def test_a_message_is_one_line_of_json(self, road, extras):
        told = road.send(document("c", after=row(7, extras=extras)))
        lines = [each.envelope for each in road.into.feed_after(0, limit=2, wait_s=0)]

        assert len(lines) == len(told) == (0 if extras == "NaN" else 1)
        assert not any("\n" in line for line in lines)

    def test_what_is_nested_too_deeply_is_told_as_text(self, road):
        extras = "[" * 101 + "]" * 101

        [told] = road.send(document("c", after=row(7, extras=extras)))

        assert told["data"]["extras"] == extras

    def test_numbers_that_no_client_can_read_are_told_as_their_digits(self, road):
        [told] = road.send(document("c", after=row(7, extras='{"a": 1e999, "b": 2}')))

        assert told["data"]["extras"] == {"a": "1e999", "b": 2}


class TestEachOnce:
    def test_what_debezium_tells_again_is_passed_over(self, road):
        first = [document("c", after=row(n), sequence=(100, 100 + n)) for n in range(1, 5)]
        road.send(*first)

        told = road.send(*first[1:], document("c", after=row(9), sequence=(200, 150)))

        assert numbers(told) == [("finished", n) for n in (1, 2, 3, 4, 9)]

    def test_rows_of_one_copy_share_their_place(self, road):
        copied = [document("c", after=row(n), sequence=(100, 108)) for n in range(1, 5)]

        told = road.send(*copied, *copied)

        assert numbers(told) == [("finished", n) for n in (1, 2, 3, 4)]

    def test_a_projector_that_begins_anew_goes_on(self, road):
        road.send(document("c", after=row(1)), document("c", after=row(2)))
        road.projector = road.begin()

        assert numbers(road.send(document("c", after=row(3)))) == [
            ("finished", 1), ("finished", 2), ("finished", 3),
        ]  # fmt: skip

    def test_of_two_projectors_one_is_too_late_and_looks_again(self, road):
        road.projector._trim_at = float("inf")
        other = road.begin()
        other.step(wait_s=0)
        road.send(document("c", after=row(1)))

        with pytest.raises(ProjectionOvertakenError):
            other.step(wait_s=0)

        assert numbers(road.told()) == [("finished", 1)]

    def test_a_batch_that_failed_is_applied_later(self, road, monkeypatch):
        fail_at(1, road, monkeypatch)
        same = [document("c", after=row(n), sequence=(100, 108)) for n in (1, 2)]
        with pytest.raises(ProjectionUnavailableError):
            road.send(*same)

        while road.projector.step(wait_s=0):
            pass

        assert numbers(road.told()) == [("finished", 1), ("finished", 2)]

    def test_what_was_read_ahead_is_not_told_without_what_comes_before_it(self, road, monkeypatch):
        fail_at(2, road, monkeypatch)
        monkeypatch.setattr(projector, "BATCH", 3)
        with pytest.raises(ProjectionUnavailableError):
            road.send(*[document("c", after=row(n)) for n in range(1, 12)])

        while road.projector.step(wait_s=0):
            pass

        assert numbers(road.told()) == [("finished", n) for n in range(1, 12)]

    def test_a_store_that_is_asked_for_more_is_asked_before_it_is_busy(self, road, monkeypatch):
        steps: list[str] = []
        make = road.into.turn
        monkeypatch.setattr(projector, "BATCH", 2)
        monkeypatch.setattr(road.stream, "ask", lambda *_, **__: steps.append("ask"))
        monkeypatch.setattr(road.into, "turn", lambda batch: Told(make(batch), steps))

        road.send(*[document("c", after=row(n)) for n in range(1, 5)])

        assert steps == ["ask", "begin", "settle", "ask", "begin", "settle"]


def fail_at(number: int, road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """The projection of a road takes every batch but that one."""
    make, made = road.into.turn, []

    def turn(batch: Batch) -> Turn:
        made.append(batch)
        return Failing() if len(made) == number else make(batch)

    monkeypatch.setattr(road.into, "turn", turn)


class Told:
    """Writes down what is done with it."""

    def __init__(self, turn: Turn, steps: list[str]) -> None:
        self._turn, self._steps = turn, steps

    def begin(self) -> None:
        self._steps.append("begin")
        self._turn.begin()

    def settle(self) -> None:
        self._steps.append("settle")
        self._turn.settle()


class Failing:
    """Is begun, and then the store is away."""

    def begin(self) -> None:
        pass

    def settle(self) -> None:
        raise ProjectionUnavailableError


class TestParse:
    @given(st.binary(max_size=100) | st.text(max_size=50).map(str.encode))
    def test_anything_else_is_refused_in_one_way(self, data):
        try:
            changes.parse(data)
        except ChangeError:
            return

    def test_a_tombstone_tells_nothing(self):
        assert changes.parse(b"null") is None

    def test_a_sequence_with_null_has_no_order(self):
        change = changes.parse(document("c", after=row(1), sequence=(None, 5)))

        assert isinstance(change, Change)
        assert change.order is None

    @given(st.sampled_from("cudrtx"), st.integers(0, 2**70), st.text(max_size=10))
    def test_a_document_in_its_schema_tells_the_same(self, op, number, extras):
        before, after = row(number, extras=extras), row(number)
        bare, wrapped = (
            document(op, before=before, after=after, sequence=(7, 8), wrapped=is_wrapped)
            for is_wrapped in (False, True)
        )

        assert changes.parse(wrapped) == changes.parse(bare)

    @pytest.mark.parametrize("nested", [100_000, 500])
    def test_what_is_nested_beyond_any_use_is_refused(self, nested):
        deep = "[" * nested + "]" * nested
        with pytest.raises(ChangeError):
            changes.parse(f'{{"op":"c","source":{{"lsn":1}},"after":{{"x":{deep}}}}}'.encode())


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("9" * 299, "9" * 299),
        ("9" * 400, '"' + "9" * 400 + '"'),
        ("[1e-400, 2.50]", "[1e-400, 2.50]"),
        ("[1e999]", '["1e999"]'),
        (" 1", "1"),
        ('{"a":\n"é"}', '{"a":"\\u00e9"}'),
        (r'"\ud800"', r'"\ud800"'),
        ("[" * 101 + "]" * 101, '"' + "[" * 101 + "]" * 101 + '"'),
    ],
)
def test_extras_are_told_so_that_every_client_can_read_them(written, shown):
    assert readable(written) == shown


@pytest.mark.parametrize("written", ["NaN", "[1", "", '"\x01"'])
def test_extras_that_are_no_json_are_refused(written):
    with pytest.raises(ValueError, match=r"\w"):
        readable(written)
