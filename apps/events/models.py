"""The outbox, the log, and what relays report.

Only the outbox is written through Django. The log is filled by the SQL function `events_move`
and partitioned by position; the tables of migrations/events hold what models cannot say.
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
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
        indexes = [
            models.Index(fields=["event_id"], name="events_log_id"),
            GinIndex(fields=["rooms"], name="events_log_rooms"),
        ]
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
        default_permissions = ("view",)
        verbose_name = "relay"

    def __str__(self) -> str:
        return self.relay


class HandlerCursor(models.Model):
    """How far in the log the deliveries of one handler have been written down."""

    handler = models.TextField(primary_key=True)
    position = models.BigIntegerField()
    moved_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "events_cursor"
        default_permissions = ("view",)
        verbose_name = "cursor of a handler"
        verbose_name_plural = "cursors of handlers"

    def __str__(self) -> str:
        return f"{self.handler} {self.position}"


class Delivery(models.Model):
    """One fact for one handler: what is owed, and once it is done, the proof that it was.

    `state` becomes `done` in the transaction of the handler's effect. Without a row nothing is
    owed: rows of what is over are removed with the facts.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "waiting to be sent"
        SENT = "sent", "sent to the broker"
        RUNNING = "running", "being tried"
        DONE = "done", "done"
        DEAD = "dead", "given up"

    event_id = models.UUIDField()
    handler = models.TextField()
    position = models.BigIntegerField()
    type = models.TextField()
    queue = models.TextField()
    state = models.CharField(max_length=8, choices=State.choices, db_default=State.WAITING)
    tries = models.PositiveSmallIntegerField(db_default=0)
    due_at = models.DateTimeField(db_default=Now())
    """When the dispatcher looks at it (again), unless it is over."""
    changed_at = models.DateTimeField(db_default=Now())
    fault = models.TextField(blank=True, db_default="")

    class Meta:
        db_table = "events_delivery"
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["event_id", "handler"], name="events_delivery_once")
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(state__in=["waiting", "sent", "running"]),
                name="events_delivery_due",
            ),
            models.Index(
                fields=["changed_at"],
                condition=models.Q(state__in=["done", "dead"]),
                name="events_delivery_over",
            ),
        ]
        verbose_name = "delivery"
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return f"{self.handler} {self.event_id} {self.state}"


class DeadLetter(models.Model):
    """What was given up: a fact that a handler could not take, or a task that killed its worker."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    queue = models.TextField()
    task = models.TextField()
    handler = models.TextField(blank=True)
    event_id = models.UUIDField(null=True)
    type = models.TextField(blank=True)
    content = models.JSONField()
    """The fact's envelope; of a task the arguments `{"args", "kwargs"}`."""
    reason = models.TextField()
    traceback = models.TextField(blank=True)
    tries = models.PositiveSmallIntegerField()
    died_at = models.DateTimeField(db_default=Now())
    redriven_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "events_dead_letter"
        default_permissions = ("view", "delete")
        permissions = [("redrive_deadletter", "Can send dead letters again")]
        constraints = [
            models.UniqueConstraint(
                fields=["event_id", "handler"],
                condition=models.Q(redriven_at__isnull=True),
                name="events_dead_letter_once",
            )
        ]
        indexes = [models.Index(fields=["died_at"], name="events_dead_letter_died")]
        verbose_name = "dead letter"

    def __str__(self) -> str:
        return f"{self.handler or self.task} {self.event_id or self.id}"


class UnreadableChange(models.Model):
    """A change that capture could not decode. It stands in the way of all that follow it until an
    operator has it skipped, or a later version can decode it. Positions are of PostgreSQL's log.
    """

    slot = models.TextField()
    lsn = models.BigIntegerField()
    commit_lsn = models.BigIntegerField()
    transaction = models.BigIntegerField()
    operation = models.TextField()
    table = models.TextField()
    fault = models.TextField()
    found_at = models.DateTimeField(db_default=Now())
    skipped_at = models.DateTimeField(null=True)
    skips_transaction = models.BooleanField(db_default=False)
    """Whether all of its transaction that cannot be decoded is skipped with it."""

    class Meta:
        db_table = "events_unreadable_change"
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["slot", "commit_lsn", "lsn"], name="events_unreadable_change_once"
            )
        ]
        verbose_name = "change that could not be decoded"
        verbose_name_plural = "changes that could not be decoded"

    def __str__(self) -> str:
        return f"{self.operation} {self.table} {self.lsn}"
