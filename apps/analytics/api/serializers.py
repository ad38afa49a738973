"""Shapes on the wire. Input classes check form; output classes describe."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.analytics.rules.periods import period, read_moment
from apps.analytics.types import EventType, Figures, Interval, Refusal

MOST_EVENTS = 500


class EventInput(serializers.Serializer):
    """One event. Each is checked by itself: a wrong one is told in `rejected`, the others count."""

    id = serializers.UUIDField(help_text="Made by the client; the same event comes once.")
    type = serializers.CharField(
        help_text=f"{', '.join(f'`{each}`' for each in EventType.values)}, or `custom.` and a word."
    )
    track_id = serializers.UUIDField(required=False, help_text="Needed unless `custom.`")
    session_id = serializers.CharField(
        required=False, max_length=100,
        help_text="A visit, as the client sees it; who is not signed in needs one.",
    )  # fmt: skip
    at = serializers.DateTimeField(help_text="At most 30 days ago.")
    position_ms = serializers.IntegerField(
        required=False, min_value=0, help_text="In the track; after a seek, where it led."
    )

    def get_fields(self) -> Any:
        """Two that are called as attributes of the framework's own."""
        about = "From where: `playlist`, `search`, `profile` ..."
        return {
            **super().get_fields(),
            "source": serializers.CharField(required=False, max_length=40, help_text=about),
            "data": serializers.DictField(required=False, help_text="Up to 4,096 bytes."),
        }


class EventsInput(serializers.Serializer):
    """A batch."""

    events = serializers.ListField(child=serializers.JSONField(), max_length=MOST_EVENTS)

    def to_internal_value(self, data: Any) -> Any:
        """As it came: what is wrong with one event is no reason to refuse the others."""
        if isinstance(data, dict) and isinstance(data.get("events"), list):
            if len(data["events"]) <= MOST_EVENTS:
                return {"events": data["events"]}
            detail = f"Send up to {MOST_EVENTS} events at once."
            raise serializers.ValidationError({"events": [detail]})
        return super().to_internal_value(data)


class EventsRequest(serializers.Serializer):
    """A batch, as it is described."""

    events = serializers.ListField(child=EventInput(), max_length=MOST_EVENTS)


class RejectedOutput(serializers.Serializer):
    """An event that was not taken."""

    index = serializers.IntegerField(help_text="Its place in the batch, from 0.")
    code = serializers.ChoiceField(choices=Refusal.choices)
    detail = serializers.CharField()


class ReceiptOutput(serializers.Serializer):
    """What became of the batch."""

    accepted = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    rejected = RejectedOutput(many=True)


@extend_schema_field({"type": "string", "example": "2026-01-31"})
class Moment(serializers.Field):
    """A time of RFC 3339, or a day."""

    default_error_messages = {
        "invalid": "Use a time such as 2026-01-02T03:04:05Z, or a day such as 2026-01-02."
    }

    def __init__(self, *, is_end: bool, **options: Any) -> None:
        super().__init__(**options)
        self._is_end = is_end

    def to_internal_value(self, data: Any) -> datetime:
        try:
            return read_moment(str(data).strip(), is_end=self._is_end)
        except (ValueError, OverflowError):
            self.fail("invalid")


class PeriodInput(serializers.Serializer):
    """Which stretch of time, and in which points."""

    interval = serializers.ChoiceField(
        choices=Interval.choices, default=Interval.DAY, help_text="All in UTC; weeks from Monday."
    )

    def get_fields(self) -> Any:
        about = "default: 30 days before `to`; rounded to the hour"
        return {
            "from": Moment(is_end=False, required=False, help_text=about),
            "to": Moment(is_end=True, required=False, help_text="default: now; a day is whole"),
            **super().get_fields(),
        }

    def validate(self, attrs: Any) -> Any:
        try:
            found = period(
                start=attrs.get("from"), end=attrs.get("to"),
                interval=Interval(attrs["interval"]), now=timezone.now(),
            )  # fmt: skip
        except (ValueError, OverflowError) as fault:
            raise serializers.ValidationError({"from": [str(fault)]}) from None
        return {"period": found}


class FiguresOutput(serializers.Serializer):
    """What was heard."""

    plays = serializers.IntegerField(help_text="Heard for 30 s or half, once a session and hour.")
    unique_listeners = serializers.IntegerField()
    listened_ms = serializers.IntegerField(help_text="Also of those who left before it counted.")
    completion = serializers.FloatField(help_text="How much of it a play heard, 0..1.")


class PointOutput(FiguresOutput):
    """A stretch of the series."""

    at = serializers.DateTimeField()


class SourceOutput(serializers.Serializer):
    """Where plays came from."""

    name = serializers.CharField()
    plays = serializers.IntegerField()


class CountryOutput(serializers.Serializer):
    """Where listeners were; `ZZ` is unknown."""

    code = serializers.CharField(help_text="ISO 3166-1")
    plays = serializers.IntegerField()


class ReportOutput(serializers.Serializer):
    """Figures of a stretch of time."""

    to = serializers.DateTimeField()
    interval = serializers.ChoiceField(choices=Interval.choices)
    totals = FiguresOutput()
    series = PointOutput(many=True)
    retention = serializers.ListField(
        child=serializers.FloatField(), min_length=100, max_length=100,
        help_text="Of all plays, the part that heard this hundredth of the track, 0..1.",
    )  # fmt: skip
    sources = SourceOutput(many=True)
    countries = CountryOutput(many=True)
    computed_at = serializers.DateTimeField()

    def get_fields(self) -> Any:
        return {"from": serializers.DateTimeField(), **super().get_fields()}


class TrackFiguresOutput(serializers.Serializer):
    """A track that is heard much."""

    track_id = serializers.UUIDField()
    title = serializers.CharField()
    plays = serializers.IntegerField()
    listened_ms = serializers.IntegerField()


class ManyTracksReportOutput(ReportOutput):
    """Figures of many tracks."""

    tracks = TrackFiguresOutput(many=True, help_text="The 20 that are heard most.")


def figures_body(figures: Figures) -> dict[str, Any]:
    """As it stands in `totals` and in each point."""
    return {
        "plays": figures.plays,
        "unique_listeners": figures.unique_listeners,
        "listened_ms": figures.listened_ms,
        "completion": figures.completion,
    }
