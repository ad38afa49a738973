"""Rows that are read again are read as text, whatever types their columns have got."""

import json

import pytest
from django.db import connection

from apps.events.capture.decoder import Begin
from apps.events.capture.envelope import Origin, snapshot_document
from apps.events.capture.sessions import decoded, describe, snapshot
from apps.events.capture.tables import Captured
from apps.events.sessions import session

pytestmark = pytest.mark.django_db(transaction=True)
TABLE = "capture_test_wild"
COLUMNS = {
    "id bigint PRIMARY KEY": "7",
    "places inet[]": "'{10.0.0.1,::1}'",
    "stays tstzrange": "'[2026-11-21 10:00+00,2026-11-22 10:00+00)'",
    "mood_times interval[]": "'{1 day,2 hours}'",
    "is_open boolean": "true",
    "document jsonb": """'{"a": [1, null]}'""",
    "at timestamptz": "'2026-11-21 10:00:00.5+00'",
}


@pytest.fixture
def captured():
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {TABLE} ({', '.join(COLUMNS)})")
        cursor.execute(f"INSERT INTO {TABLE} VALUES ({', '.join(COLUMNS.values())})")  # noqa: S608
    yield Captured(table=TABLE, key=("id",), snapshot=f"SELECT t.* FROM {TABLE} t")  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {TABLE}")


def test_a_column_of_any_type_is_told(captured):
    origin = Origin(
        database="veza", lsn=8, last_commit_lsn=None,
        begin=Begin(commit_lsn=8, time_us=0, transaction=0),
    )  # fmt: skip
    with session("snapshot-test") as opened:
        [row] = snapshot(opened, captured)
        table = describe(opened, captured)
        told = json.loads(snapshot_document(table, decoded(row), origin, now_us=0))

    assert told["after"] == {
        "id": 7, "places": "{10.0.0.1,::1}", "mood_times": '{"1 day",02:00:00}', "is_open": True,
        "stays": '["2026-11-21 10:00:00+00","2026-11-22 10:00:00+00")',
        "document": '{"a": [1, null]}', "at": "2026-11-21T10:00:00.500000Z",
    }  # fmt: skip
