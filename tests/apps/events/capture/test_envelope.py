"""Documents are those of Debezium, with every type of column."""

import json
from typing import Any

import pytest

from apps.events.capture import envelope
from apps.events.capture.decoder import UNCHANGED, Begin, Column, RowChange, Table
from apps.events.capture.values import row_json

AT_US = 1_790_000_000_123_456
TABLE = Table(
    schema="public",
    name="datastream_round",
    columns=(
        Column("id", 20, True),
        Column("game_id", 2950, True),
        Column("finished_at", 1184, True),
        Column("extras", 3802, True),
    ),
)
ROW = {
    "id": "42",
    "game_id": "0193a1b2-0000-7000-8000-000000000001",
    "finished_at": "2026-11-21 10:00:00.5+00",
    "extras": '{"score": 3}',
}
AS_JSON = {
    "id": 42,
    "game_id": "0193a1b2-0000-7000-8000-000000000001",
    "finished_at": "2026-11-21T10:00:00.500000Z",
    "extras": '{"score": 3}',
}
SOURCE = {
    "version": envelope.VERSION,
    "connector": "postgresql",
    "name": "veza",
    "ts_ms": AT_US // 1000,
    "snapshot": "false",
    "db": "games",
    "sequence": '["880","912"]',
    "ts_us": AT_US,
    "ts_ns": AT_US * 1000,
    "schema": "public",
    "table": "datastream_round",
    "txId": 771,
    "lsn": 912,
    "xmin": None,
    "origin": None,
    "origin_lsn": None,
}


def origin(**changes: Any) -> envelope.Origin:
    begin = Begin(commit_lsn=928, time_us=AT_US, transaction=771)
    values: dict[str, Any] = {
        "database": "games",
        "lsn": 912,
        "last_commit_lsn": 880,
        "begin": begin,
    }
    return envelope.Origin(**values | changes)


def test_an_inserted_row_is_told_as_debezium_tells_it():
    change = RowChange(op="c", table=TABLE, before=None, after=ROW)

    document = json.loads(envelope.change_document(change, origin(), now_us=AT_US + 2_000))

    assert document == {
        "before": None,
        "after": AS_JSON,
        "source": SOURCE,
        "transaction": None,
        "op": "c",
        "ts_ms": (AT_US + 2_000) // 1000,
        "ts_us": AT_US + 2_000,
        "ts_ns": (AT_US + 2_000) * 1000,
    }


def test_a_row_that_was_read_again_is_told_as_part_of_a_snapshot():
    document = json.loads(envelope.snapshot_document(TABLE, ROW, origin(), now_us=AT_US))

    assert document["op"] == "r"
    assert document["after"] == AS_JSON
    assert document["source"] == SOURCE | {"snapshot": "true"}


def test_without_a_commit_before_the_sequence_says_null():
    change = RowChange(op="d", table=TABLE, before=ROW, after=None)

    document = json.loads(
        envelope.change_document(change, origin(last_commit_lsn=None), now_us=AT_US)
    )

    assert document["source"]["sequence"] == '[null,"912"]'
    assert (document["before"], document["after"]) == (AS_JSON, None)


@pytest.mark.parametrize(
    ("kind", "text", "wanted"),
    [
        (16, "t", True),
        (16, "f", False),
        (17, "\\x00ff", "AP8="),
        (20, "-9223372036854775808", -9223372036854775808),
        (21, "7", 7),
        (23, "7", 7),
        (25, "ä", "ä"),
        (700, "0.1", 0.1),
        (701, "NaN", "NaN"),
        (701, "1e300", 1e300),
        (1082, "1970-01-02", 1),
        (1082, "infinity", "infinity"),
        (1083, "00:00:01.5", 1_500_000),
        (1114, "1970-01-01 00:00:01", 1_000_000),
        (1114, "infinity", "infinity"),
        (1184, "2026-11-21 10:00:00+00", "2026-11-21T10:00:00.000000Z"),
        (1184, "infinity", "infinity"),
        (1700, "12.50", "12.50"),
        (2950, "0193a1b2-0000-7000-8000-000000000001", "0193a1b2-0000-7000-8000-000000000001"),
        (3802, '{"a": 1}', '{"a": 1}'),
        (3802, UNCHANGED, "__debezium_unavailable_value"),
        (20, None, None),
    ],
)
def test_a_column_of_each_type(kind, text, wanted):
    table = Table(schema="public", name="any", columns=(Column("it", kind, False),))

    found = row_json(table, {"it": text})

    assert json.loads(found) == {"it": wanted}
