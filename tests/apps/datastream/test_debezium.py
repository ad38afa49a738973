"""What Debezium's own connector wrote is projected as what capture writes, and they are alike."""

import json
from pathlib import Path
from typing import Any

import pytest

from apps.events.capture import envelope
from apps.events.capture.decoder import Begin, Column, RowChange, Table
from apps.events.capture.values import row_json
from tests.apps.datastream.documents import GAME_ID
from tests.apps.datastream.test_projector import OTHER_GAME, Road, numbers

RECORDED = json.loads(Path(__file__).with_name("debezium.json").read_text())
ROUNDS = Table(
    schema="public", name="datastream_round",
    columns=(
        Column("id", 20, True), Column("finished_at", 1184, True), Column("extras", 3802, True),
        Column("game_id", 2950, True),
    ),
)  # fmt: skip
TYPES = {
    "id": 20, "is_good": 16, "data": 17, "small": 21, "whole": 23, "number": 26, "real_": 700,
    "double_": 701, "day": 1082, "hour": 1083, "at": 1114, "at_zone": 1184, "price": 1700,
    "name": 2950, "document": 3802, "note": 25,
}  # fmt: skip
TEXTS = {
    "id": "1", "is_good": "t", "data": "\\x00ff", "small": "7", "whole": "-8", "number": "9",
    "real_": "0.1", "double_": "1e+300", "day": "1970-01-02", "hour": "00:00:01.5",
    "at": "1970-01-01 00:00:01", "at_zone": "2026-11-21 10:00:00.5+00", "price": "12.50",
    "name": GAME_ID, "document": '{"a": 1}', "note": "ä",
}  # fmt: skip
CHANGED = {
    "is_good": None, "data": None, "real_": "NaN", "double_": "-Infinity",
    "at_zone": "-infinity", "document": None, "note": None,
}  # fmt: skip
OTHERWISE = {"span", "marks"}
"""Intervals and arrays are told as their text."""


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["rounds", "wrapped"])
def test_its_documents_are_projected(form):
    road = Road()

    told = road.send(*[json.dumps(each).encode() if each else b"" for each in RECORDED[form][:-1]])
    [*_, after] = road.send(json.dumps(RECORDED[form][-1]).encode(), *_next(form))

    assert numbers(told) == [
        ("finished", 42), ("finished", 43), ("finished", 44), ("finished", 45), ("corrected", 42),
        ("removed", 43), ("corrected", 43), ("removed", 44),
    ]  # fmt: skip
    assert told[0]["data"] == {
        "id": 42, "game_id": GAME_ID, "game_slug": "dice", "game_type": "luck",
        "finished_at": "2026-11-21T10:00:00.500000Z", "extras": {"eyes": [1, 2], "odds": 2.5},
        "timestamp": 1_795_255_200_500,
    }  # fmt: skip
    assert told[6]["data"]["game_id"] == OTHER_GAME
    assert after["epoch"] != told[0]["epoch"], "an emptied table begins a new epoch"


def _next(form: str) -> list[bytes]:
    """The first round once more, as one that was inserted after the table had been emptied."""
    document = json.loads(json.dumps(RECORDED[form][1]))
    source = document.get("payload", document)["source"]
    source["lsn"] += 1_000_000
    source["sequence"] = json.dumps([str(source["lsn"]), str(source["lsn"])])
    return [json.dumps(document).encode()]


@pytest.mark.parametrize("number", range(1, 5))
def test_ours_of_an_inserted_row_is_the_same(number):
    theirs = RECORDED["rounds"][number]
    row, source = theirs["after"], theirs["source"]
    texts = row | {"id": str(row["id"]), "finished_at": _as_postgresql(row["finished_at"])}
    last, lsn = json.loads(source["sequence"])
    origin = envelope.Origin(
        database=source["db"], lsn=int(lsn), last_commit_lsn=int(last) if last else None,
        begin=Begin(int(lsn), source["ts_us"], source["txId"]),
    )  # fmt: skip
    change = RowChange(op="c", table=ROUNDS, before=None, after=texts)

    ours = json.loads(envelope.change_document(change, origin, now_us=theirs["ts_us"]))

    assert ours == theirs | {"ts_ns": theirs["ts_us"] * 1000}, "whose clock is finer"
    assert list(ours["source"]) == list(source), "in the same order"


def _as_postgresql(text: str) -> str:
    """As the log has it: without zeros at the end."""
    return text.replace("T", " ").removesuffix("Z").rstrip("0").removesuffix(".") + "+00"


@pytest.mark.parametrize(("document", "row"), [("after", TEXTS), ("changed", TEXTS | CHANGED)])
def test_ours_of_a_column_of_each_type_is_the_same(document, row):
    snapshot, update, _ = RECORDED["every_type"]
    theirs: dict[str, Any] = snapshot["after"] if document == "after" else update["after"]
    table = Table(
        schema="public", name="every_type",
        columns=tuple(Column(name, kind, False) for name, kind in TYPES.items()),
    )  # fmt: skip

    ours = json.loads(row_json(table, row))

    assert ours == {name: value for name, value in theirs.items() if name not in OTHERWISE}
