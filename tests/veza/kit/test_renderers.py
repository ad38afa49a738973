import uuid
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from veza.kit.api.renderers import JSONRenderer


class TestAnswers:
    def test_are_compact_json_with_times_in_utc(self) -> None:
        value = {
            "at": datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone(timedelta(hours=2))),
            "whole": datetime(2026, 1, 2, tzinfo=UTC),
            "id": uuid.UUID(int=7),
            "length": timedelta(seconds=1.5),
            "price": Decimal("1.50"),
            "name": "é\U0001f600",
        }
        assert JSONRenderer().render(value).decode() == (
            '{"at":"2026-01-02T01:04:05.678000Z","whole":"2026-01-02T00:00:00Z",'
            '"id":"00000000-0000-0000-0000-000000000007","length":1500,"price":"1.50",'
            '"name":"é\U0001f600"}'
        )
