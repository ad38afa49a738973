from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

import pytest

from apps.events.types import Actor, Envelope, Fact, Subject, json_value

AN_ID = UUID("01936f2e-8c00-7b5a-9d3e-4f1a2b3c4d5e")


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, kw_only=True)
class TrackNamed(Fact):
    name: ClassVar[str] = "track.named"
    about: ClassVar[str] = "A track has a name."

    title: str = field(metadata={"key": "name"})
    colours: tuple[Colour, ...] = ()


class TestJsonValue:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (AN_ID, "01936f2e-8c00-7b5a-9d3e-4f1a2b3c4d5e"),
            (datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC), "2026-01-02T03:04:05.678000Z"),
            (
                datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))),
                "2026-01-02T01:00:00Z",
            ),
            (date(2026, 1, 2), "2026-01-02"),
            (Decimal("1E+3"), "1000"),
            (Decimal("0.10"), "0.10"),
            (Colour.RED, "red"),
            ((AN_ID, None, True, 1.5), [str(AN_ID), None, True, 1.5]),
        ],
    )
    def test_is_what_json_says(self, value: object, expected: object) -> None:
        assert json_value(value) == expected

    @pytest.mark.parametrize(
        "value",
        [
            datetime(2026, 1, 2, tzinfo=UTC).replace(tzinfo=None),
            float("nan"),
            float("inf"),
            {"a": 1},
            b"x",
        ],
    )
    def test_what_json_cannot_say_is_refused(self, value: object) -> None:
        with pytest.raises(ValueError, match=r"\.$"):
            json_value(value)


class TestPayload:
    def test_uses_the_key_that_a_field_asks_for(self) -> None:
        fact = TrackNamed(title="Blue", colours=(Colour.RED,))
        assert fact.payload() == {"name": "Blue", "colours": ["red"]}


class TestEnvelope:
    def test_has_the_members_that_clients_are_promised(self) -> None:
        envelope = Envelope(
            id=AN_ID,
            type="track.named",
            version=1,
            time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            subject=Subject(type="track", id=AN_ID),
            actor=Actor(type="program", id="importer"),
            data={"name": "Blue"},
            position=9,
            epoch="1a2b",
            rooms=("public", "track:1"),
            request_id="req-1",
        )
        assert envelope.as_dict(room="public") == {
            "id": str(AN_ID),
            "type": "track.named",
            "version": 1,
            "time": "2026-01-02T03:04:05Z",
            "subject": {"type": "track", "id": str(AN_ID)},
            "actor": {"type": "program", "id": "importer"},
            "data": {"name": "Blue"},
            "position": 9,
            "epoch": "1a2b",
            "room": "public",
        }
