"""What players told, what was heard, and the sums of it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.analytics.types import UNKNOWN_COUNTRY, UNKNOWN_SOURCE
from veza.kit.models import new_id


class ListeningEvent(models.Model):
    """One event of a client, as it was sent. The address that it came from is not kept.

    `id` is ours and says when it came; `client_id` is the client's and comes once. `listener` and
    `session` are keyed hashes: they tell apart, and lead to nobody.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    client_id = models.UUIDField()
    listener = models.CharField(max_length=32)
    session = models.CharField(max_length=32)
    user = models.ForeignKey(
        "accounts.User", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    track = models.ForeignKey(
        "track.Track", on_delete=models.CASCADE, null=True, blank=True, related_name="+",
        db_index=False,
    )  # fmt: skip
    type = models.CharField(max_length=60)
    at = models.DateTimeField(help_text="As the client says")
    position_ms = models.PositiveIntegerField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField(null=True, help_text="Of the track, as it was then")
    source = models.CharField(max_length=40, blank=True)
    country = models.CharField(max_length=2, default=UNKNOWN_COUNTRY)
    is_bot = models.BooleanField(default=False)
    data = models.JSONField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["listener", "client_id"], name="listening_event_once")
        ]
        indexes = [
            models.Index(
                fields=["track", "session", "at"],
                condition=Q(track__isnull=False),
                name="listening_event_heard",
            )
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.client_id}"


class Listening(models.Model):
    """What a session heard of a track, begun in this hour; where enough was heard it is a play."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    track = models.ForeignKey(
        "track.Track", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    session = models.CharField(max_length=32)
    listener = models.CharField(max_length=32)
    user = models.ForeignKey(
        "accounts.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    hour = models.DateTimeField()
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField(null=True)
    listened_ms = models.PositiveBigIntegerField()
    covered = models.BinaryField(help_text="A bit for each hundredth of the track")
    source = models.CharField(max_length=40, default=UNKNOWN_SOURCE)
    country = models.CharField(max_length=2, default=UNKNOWN_COUNTRY)
    is_bot = models.BooleanField(default=False)
    is_counted = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["track", "session", "hour"], name="listening_once_an_hour"
            )
        ]
        indexes = [
            models.Index(fields=["track", "hour"], name="listening_of_hour"),
            models.Index(fields=["hour"], condition=Q(is_counted=True), name="listening_counted"),
        ]

    def __str__(self) -> str:
        return f"{self.track_id} {self.hour}"


class TrackHour(models.Model):
    """The sums of a track and an hour. A stale row is computed anew before anyone reads it."""

    track = models.ForeignKey(
        "track.Track", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    hour = models.DateTimeField()
    plays = models.PositiveBigIntegerField(default=0)
    listened_ms = models.PositiveBigIntegerField(default=0)
    covered = models.PositiveBigIntegerField(default=0, help_text="Hundredths, over all plays")
    retention = ArrayField(models.PositiveIntegerField(), default=list)
    sources = models.JSONField(default=dict)
    countries = models.JSONField(default=dict)
    is_stale = models.BooleanField(default=True)
    computed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["track", "hour"], name="track_hour_once")]
        indexes = [
            models.Index(fields=["hour"], name="track_hour_by_hour"),
            models.Index(fields=["track"], condition=Q(is_stale=True), name="track_hour_stale"),
        ]

    def __str__(self) -> str:
        return f"{self.track_id} {self.hour}"
