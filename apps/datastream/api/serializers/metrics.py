"""Shapes of metrics on the wire. Input classes check form; output classes describe."""

import math
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.datastream.models import MAX_NAME
from apps.datastream.rules.durations import parse_duration_ns

HINT = 'Use a duration above 0 as Go writes it, such as "500ms" or "1h2m3.5s".'


@extend_schema_field({"type": "string", "example": "500ms", "maxLength": 100})
class GoDuration(serializers.Field):
    """A Go duration above 0; nanoseconds inside."""

    default_error_messages = {"invalid": HINT}

    def to_internal_value(self, data: Any) -> int:
        try:
            nanoseconds = parse_duration_ns(data) if isinstance(data, str) else 0
        except ValueError:
            nanoseconds = 0
        if nanoseconds <= 0:
            self.fail("invalid")
        return nanoseconds


@extend_schema_field({"type": "number", "format": "double"})
class FiniteNumber(serializers.Field):
    """A JSON number that a double can hold; the framework would also take `true` and `"1"`."""

    default_error_messages = {"invalid": "Use a finite number."}

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        value = float(data)
        if not math.isfinite(value):
            self.fail("invalid")
        return value


class MetricName(serializers.CharField):
    """A JSON string; the framework would also take a number for one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class CreateMetricInput(serializers.Serializer):
    """A new metric."""

    name = MetricName(max_length=MAX_NAME)
    input_frequency = GoDuration(
        help_text="Time between two readings, as a Go duration above 0: `500ms`, `1h2m3.5s`."
    )


class CreateReadingInput(serializers.Serializer):
    """A value of a metric."""

    metric_id = serializers.UUIDField()
    value = FiniteNumber(help_text="A finite number.")
    timestamp = serializers.DateTimeField(
        required=False, allow_null=True, help_text="When it was measured; left out: now."
    )


class ListMetricsInput(serializers.Serializer):
    """The query of a list of metrics."""

    with_readings = serializers.BooleanField(
        default=False, help_text="With the newest 1,000 readings of each."
    )


class MetricOutput(serializers.Serializer):
    """A metric."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    input_frequency = serializers.IntegerField(
        source="input_frequency_ns", help_text="In nanoseconds."
    )


class ReadingOfMetricOutput(serializers.Serializer):
    """A reading beside its metric."""

    id = serializers.UUIDField()
    value = serializers.FloatField()
    timestamp = serializers.DateTimeField()


class ReadingOutput(ReadingOfMetricOutput):
    """A reading."""

    metric_id = serializers.UUIDField()


class MetricInListOutput(MetricOutput):
    """A metric, and its readings if they were asked for."""

    readings = ReadingOfMetricOutput(many=True, required=False)
