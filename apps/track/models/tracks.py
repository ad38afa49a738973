"""Tracks: what they are called, who may see them, who likes them."""

from typing import Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q, Value
from django.db.models.expressions import OrderBy
from django.db.models.functions import Lower

from apps.track.types import DownloadRule, TrackStatus, Visibility
from veza.kit.models import Entity
from veza.kit.search import CONFIG

LISTED = Q(status=TrackStatus.READY, visibility=Visibility.PUBLIC, deleted_at__isnull=True)


class TrackQuerySet(models.QuerySet["Track"]):
    """The vocabulary for finding tracks. Deleted ones are found by `all` alone."""

    def kept(self) -> Self:
        return self.filter(deleted_at__isnull=True)

    def of_user(self, user_id: UUID) -> Self:
        return self.kept().filter(owner_id=user_id)

    def editable_by(self, user_id: UUID | None) -> Self:
        if user_id is None:
            return self.none()
        return self.kept().filter(_is_editor(user_id))

    def visible_to(self, user_id: UUID | None) -> Self:
        """Whoever has the link: what is ready and not private, and all that he may edit."""
        seen = Q(status=TrackStatus.READY) & ~Q(visibility=Visibility.PRIVATE)
        return self.kept().filter(seen | _is_editor(user_id) if user_id else seen)

    def listed(self) -> Self:
        return self.filter(LISTED)

    def found_by(self, user_id: UUID | None) -> Self:
        """What he may come upon without its address: public ones, and his own that are ready."""
        if user_id is None:
            return self.listed()
        ready = self.kept().filter(status=TrackStatus.READY)
        return ready.filter(Q(visibility=Visibility.PUBLIC) | _is_editor(user_id))


def _is_editor(user_id: UUID) -> Q:
    shared = TrackCollaborator.objects.filter(track_id=OuterRef("pk"), user_id=user_id)
    return Q(owner_id=user_id) | Q(Exists(shared))


def _line(number: int, weight: str) -> SearchVector:
    """The words of one line of `words`: those of the title (A) count more than of tags (C)."""
    line = Func(
        F("words"),
        Value("\n"),
        Value(number),
        function="split_part",
        output_field=models.TextField(),
    )
    return SearchVector(line, config=CONFIG, weight=weight)


TrackManager = models.Manager.from_queryset(TrackQuerySet)


def _listed(*columns: str | OrderBy, name: str) -> models.Index:
    """For lists of public tracks in this order, read from either end."""
    fields = [F(each) if isinstance(each, str) else each for each in columns]
    return models.Index(*fields, condition=LISTED, name=name)


class Track(Entity):
    """A recording, whatever file it is made from at present. `status` and `duration_ms` are those
    of the active version, or of the first while there is none.
    """

    owner = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    title = models.CharField(max_length=200)
    artist = models.CharField(max_length=200, blank=True)
    album = models.CharField(max_length=200, blank=True)
    genre = models.CharField(max_length=60, blank=True)
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    description = models.TextField(max_length=5000, blank=True)
    license = models.CharField(max_length=200, blank=True)
    musical_key = models.CharField(max_length=20, blank=True)
    bpm = models.FloatField(null=True, blank=True)
    visibility = models.CharField(
        max_length=10, choices=Visibility.choices, default=Visibility.PRIVATE
    )
    download = models.CharField(
        max_length=10, choices=DownloadRule.choices, default=DownloadRule.NONE
    )
    status = models.CharField(
        max_length=12, choices=TrackStatus.choices, default=TrackStatus.PROCESSING
    )
    active = models.ForeignKey(
        "TrackVersion", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True, help_text="First public and ready")
    deleted_at = models.DateTimeField(null=True, blank=True)
    play_count = models.PositiveBigIntegerField(default=0)
    like_count = models.PositiveIntegerField(default=0)
    comment_count = models.PositiveIntegerField(default=0)
    share_count = models.PositiveIntegerField(default=0)
    download_count = models.PositiveIntegerField(default=0)
    words = models.TextField(
        blank=True,
        help_text="For the search, without accents, a line each: title; artist; album, genre, tags",
    )
    vector = models.GeneratedField(
        expression=_line(1, "A") + _line(2, "B") + _line(3, "C"),
        output_field=SearchVectorField(),
        db_persist=True,
    )
    popularity = models.GeneratedField(
        expression=F("play_count") + 10 * (F("like_count") + F("comment_count") + F("share_count")),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )

    objects = TrackManager()

    class Meta:
        indexes = [
            GinIndex(fields=["vector"], name="track_search"),
            GinIndex(fields=["tags"], name="track_tags"),
            models.Index(fields=["owner", "-created_at"], name="track_by_owner"),
            _listed(F("created_at").desc(), F("id").desc(), name="track_listed"),
            _listed("title", "id", name="track_listed_title"),
            _listed("play_count", "id", name="track_listed_plays"),
            _listed("like_count", "id", name="track_listed_likes"),
            _listed("popularity", "id", name="track_listed_popularity"),
            models.Index(Lower("title"), name="track_by_title"),
        ]  # fmt: skip
        constraints = [
            models.CheckConstraint(
                name="track_bpm_above_0", condition=Q(bpm__isnull=True) | Q(bpm__gt=0, bpm__lt=1000)
            )
        ]

    def __str__(self) -> str:
        return self.title


class TrackCollaborator(models.Model):
    """Somebody besides the owner who may edit a track."""

    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["track", "user"], name="track_collaborator_once")
        ]

    def __str__(self) -> str:
        return f"{self.track_id} {self.user_id}"


class TrackLike(models.Model):
    """Somebody likes a track."""

    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["track", "user"], name="track_like_once")]
        indexes = [models.Index(fields=["user", "-created_at"], name="track_like_by_user")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.track_id}"
