"""Tables of the sample domain: metrics, and the readings that arrive for them."""

from django.db import models
from django.db.models import F, Q

from veza.kit.models import Entity

MAX_NAME = 200


class Metric(Entity):
    """Something that is measured every `input_frequency_ns` nanoseconds. It never changes."""

    name = models.CharField(max_length=MAX_NAME)
    input_frequency_ns = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(input_frequency_ns__gt=0), name="metric_frequency_above_0"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Reading(Entity):
    """One value of a metric. PostgreSQL could hold NaN and infinities; JSON cannot say them."""

    metric = models.ForeignKey(
        Metric, on_delete=models.CASCADE, related_name="readings", db_index=False
    )
    value = models.FloatField()
    timestamp = models.DateTimeField(help_text="When it was measured, as the sender says")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(value__gt=float("-inf")) & Q(value__lt=float("inf")),
                name="reading_value_finite",
            )
        ]
        indexes = [
            models.Index(
                F("metric"), F("timestamp").desc(), F("id").desc(), name="reading_newest_of_metric"
            )
        ]

    def __str__(self) -> str:
        return f"{self.metric_id} {self.value}"
