"""Tables of data streams: metrics and readings, games and rounds, and the roads of rounds."""

from datetime import UTC, datetime

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Cast
from django.db.models.lookups import LessThanOrEqual

from veza.kit.models import Entity, new_id


class OctetLength(models.Func):
    """Of a text, in bytes."""

    function = "octet_length"
    output_field = models.IntegerField()


MAX_NAME = 200
WORD = r"^[A-Za-z0-9_.-]{1,64}$"
"""Slugs and types of games: they stand in addresses, names of rooms and keys."""
MAX_EXTRAS = 65_536
"""Bytes of a round's extras as text: every client of its game gets them."""
FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MOMENT = datetime(9999, 12, 31, tzinfo=UTC)


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


class Game(models.Model):
    """A game whose rounds are streamed. Other programs write the table, so it has defaults."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=MAX_NAME, db_default="", blank=True)
    type = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(slug__regex=WORD), name="game_slug_is_a_word"),
            models.CheckConstraint(condition=Q(type__regex=WORD), name="game_type_is_a_word"),
        ]
        indexes = [models.Index(F("type"), F("id"), name="game_of_type")]

    def __str__(self) -> str:
        return self.slug


class Round(models.Model):
    """A finished round, whoever inserted it: change capture brings it to clients.

    Its number is the one exception to UUIDv7, because other programs write the table.
    """

    id = models.BigAutoField(primary_key=True)
    game = models.ForeignKey(Game, on_delete=models.PROTECT, related_name="+", db_index=False)
    finished_at = models.DateTimeField(db_default=TransactionNow())
    extras = models.JSONField(db_default={})

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(finished_at__gte=FIRST_MOMENT) & Q(finished_at__lte=LAST_MOMENT),
                name="round_finished_in_time",
            ),
            models.CheckConstraint(
                condition=LessThanOrEqual(
                    OctetLength(Cast("extras", models.TextField())), MAX_EXTRAS
                ),
                name="round_extras_not_too_large",
            ),
        ]
        indexes = [
            models.Index(
                F("game"), F("finished_at").desc(), F("id").desc(), name="round_newest_of_game"
            )
        ]

    def __str__(self) -> str:
        return f"round {self.pk}"


class CaptureView(models.Model):
    """Kept in no table: the place in the admin of what `selectors.road` tells."""

    class Meta:
        managed = False
        default_permissions = ()
        verbose_name = "change capture"
        verbose_name_plural = "change capture"

    def __str__(self) -> str:
        return "change capture"


class StreamEntry(models.Model):
    """A captured change on its way to the projector, where there is neither Redis nor NATS."""

    pk = models.CompositePrimaryKey("topic", "lsn", "number")
    topic = models.CharField(max_length=200)
    lsn = models.BigIntegerField(help_text="Of the commit")
    number = models.IntegerField(help_text="Within the transaction")
    value = models.TextField(help_text="Debezium's envelope")

    def __str__(self) -> str:
        return f"{self.topic} {self.lsn}-{self.number}"


class FeedMessage(models.Model):
    """The newest messages of a feed, where there is no Redis that keeps them."""

    pk = models.CompositePrimaryKey("feed", "position")
    feed = models.CharField(max_length=64)
    position = models.BigIntegerField()
    envelope = models.TextField(help_text="As clients get it, without its room")
    rooms = ArrayField(models.CharField(max_length=200))

    def __str__(self) -> str:
        return f"{self.feed} {self.position}"


class FeedState(models.Model):
    """How far a feed has come."""

    feed = models.CharField(max_length=64, primary_key=True)
    epoch = models.CharField(max_length=64)
    head = models.BigIntegerField(help_text="Position of the newest message")
    floor = models.BigIntegerField(help_text="Messages up to here are gone, or of another epoch")
    place = models.CharField(max_length=64, help_text="What the projector has read of the stream")
    order = models.CharField(max_length=64, help_text="The last change, as lsn pairs order them")

    def __str__(self) -> str:
        return f"{self.feed} {self.epoch}:{self.head}"
