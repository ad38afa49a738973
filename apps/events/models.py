"""The outbox, the log, and what relays report.

Only the outbox is written through Django. The log is filled by the SQL function `events_move`
and partitioned by position; the tables of migrations/events hold what models cannot say.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from veza.kit.models import new_id


class StoredFact(models.Model):
    """The columns that a fact has both in the outbox and in the log."""

    event_id = models.UUIDField(db_column="id", default=new_id, editable=False)
    aggregatetype = models.CharField(max_length=255)
    aggregateid = models.CharField(max_length=255)
    type = models.CharField(max_length=255)
    payload = models.JSONField()
    version = models.PositiveSmallIntegerField()
    rooms = ArrayField(models.TextField())
    actor = models.JSONField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    trace = models.CharField(max_length=64, blank=True)
    occurred_at = models.DateTimeField(db_default=Now())

    class Meta:
        abstract = True


class OutboxFact(StoredFact):
    """A fact that waits for a relay; the first columns are Debezium's outbox event router's."""

    seq = models.BigAutoField(primary_key=True)

    class Meta:
        db_table = "events_outbox"
        default_permissions = ("view",)
        verbose_name = "fact in the outbox"
        verbose_name_plural = "outbox"

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class LoggedFact(StoredFact):
    """A fact at its place in the log."""

    position = models.BigIntegerField(primary_key=True)
    seq = models.BigIntegerField()

    class Meta:
        db_table = "events_log"
        default_permissions = ("view",)
        indexes = [models.Index(fields=["event_id"], name="events_log_id")]
        verbose_name = "fact in the log"
        verbose_name_plural = "log"

    def __str__(self) -> str:
        return f"{self.position} {self.type} {self.event_id}"


class LogEpoch(models.Model):
    """The one row that says which run of positions this is, and where it began.

    Only a restore writes it; unmanaged, so that emptying all tables leaves it.
    """

    singleton = models.BooleanField(primary_key=True, default=True)
    epoch = models.TextField()
    floor = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "events_epoch"
        default_permissions = ()

    def __str__(self) -> str:
        return self.epoch


class RelayBeat(models.Model):
    """The last sign of life of one relay; the table is unlogged, a crash empties it."""

    relay = models.TextField(primary_key=True)
    beat_at = models.DateTimeField()
    lag_s = models.FloatField()

    class Meta:
        db_table = "events_relay"
        default_permissions = ()

    def __str__(self) -> str:
        return self.relay
