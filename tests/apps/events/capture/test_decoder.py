"""Bytes of a slot become changes; bytes of anything else become one kind of error."""

import contextlib
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.events.capture.decoder import (
    UNCHANGED,
    Begin,
    Column,
    Commit,
    Decoder,
    DecodingError,
    RowChange,
    Table,
    Truncation,
)
from tests.apps.events.capture import pgoutput

NUMBER = 16_400
TABLE = Table(
    schema="public",
    name="scores",
    columns=(Column("id", 20, True), Column("note", 25, False), Column("more", 3802, False)),
)
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
values = st.one_of(st.none(), st.just(UNCHANGED), words)
rows = st.tuples(values, values, values)


def decoder() -> Decoder:
    made = Decoder()
    assert made.decode(pgoutput.relation(NUMBER, TABLE)) is None
    return made


def named(row: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(("id", "note", "more"), row, strict=True))


class TestWhatTheServerWrites:
    def test_a_commit_begins_with_its_place_and_its_time_since_1970(self):
        message = pgoutput.begin(lsn=77, time_us=1_700_000_000_123_456, transaction=9)

        assert Decoder().decode(message) == Begin(
            commit_lsn=77, time_us=1_700_000_000_123_456, transaction=9
        )

    def test_a_commit_ends_where_the_next_may_begin(self):
        assert Decoder().decode(pgoutput.commit(lsn=77, end=120)) == Commit(
            commit_lsn=77, end_lsn=120
        )

    @given(rows)
    def test_any_inserted_row_is_read(self, row):
        found = decoder().decode(pgoutput.insert(NUMBER, row))

        assert found == RowChange(op="c", table=TABLE, before=None, after=named(row))

    @given(st.one_of(st.none(), rows), rows)
    def test_any_updated_row_is_read_with_what_it_was(self, before, row):
        found = decoder().decode(pgoutput.update(NUMBER, before, row))

        assert found == RowChange(
            op="u", table=TABLE, before=named(before) if before else None, after=named(row)
        )

    @given(rows)
    def test_any_deleted_row_is_read(self, row):
        found = decoder().decode(pgoutput.delete(NUMBER, row))

        assert found == RowChange(op="d", table=TABLE, before=named(row), after=None)

    def test_of_a_row_that_is_known_by_its_key_nothing_else_is_told(self):
        found = decoder().decode(pgoutput.delete(NUMBER, ("7", None, None), kind=b"K"))

        assert isinstance(found, RowChange)
        assert found.before == {"id": "7"}

    def test_a_table_that_was_emptied_is_told(self):
        assert decoder().decode(pgoutput.truncate(NUMBER, 5)) == Truncation(tables=(TABLE,))

    def test_columns_that_were_added_meanwhile_are_read_from_then_on(self):
        made = decoder()
        wider = Table(
            schema="public", name="scores", columns=(*TABLE.columns, Column("new", 25, False))
        )
        made.decode(pgoutput.relation(NUMBER, wider))

        found = made.decode(pgoutput.insert(NUMBER, ("1", "a", "{}", "b")))

        assert isinstance(found, RowChange)
        assert found.after == {"id": "1", "note": "a", "more": "{}", "new": "b"}

    @pytest.mark.parametrize("letter", [b"O", b"Y", b"M"])
    def test_what_tells_nothing_of_rows_is_passed_over(self, letter):
        assert Decoder().decode(letter + b"anything") is None


class TestWhatItDoesNotWrite:
    @given(st.binary(max_size=200))
    def test_any_bytes_are_refused_in_one_way(self, data):
        with contextlib.suppress(DecodingError):
            decoder().decode(data)

    @given(rows, st.data())
    def test_a_message_that_was_cut_off_is_refused(self, row, data):
        whole = pgoutput.insert(NUMBER, row)
        cut = data.draw(st.integers(0, len(whole) - 1))

        with pytest.raises(DecodingError):
            decoder().decode(whole[:cut])

    def test_a_row_of_a_table_that_was_never_described_is_refused(self):
        with pytest.raises(DecodingError, match="never described"):
            Decoder().decode(pgoutput.insert(1, ("1",)))

    def test_a_row_of_another_width_is_refused(self):
        with pytest.raises(DecodingError, match="3 columns"):
            decoder().decode(pgoutput.insert(NUMBER, ("1",)))
