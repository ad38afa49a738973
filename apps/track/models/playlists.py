"""Playlists: tracks in an order that several people may change at once."""

from typing import Self
from uuid import UUID

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Exists, OuterRef, Q, Value

from apps.track.models.tracks import Track
from apps.track.types import Visibility
from veza.kit.models import Entity
from veza.kit.search import CONFIG, Folded, Joined


class PlaylistQuerySet(models.QuerySet["Playlist"]):
    """The vocabulary for finding playlists."""

    def editable_by(self, user_id: UUID | None) -> Self:
        """Whose items he may change."""
        return self.filter(_is_member(user_id)) if user_id else self.none()

    def with_can_edit(self, user_id: UUID | None) -> Self:
        """`can_edit`: whether he may change the items."""
        return self.annotate(can_edit=_is_member(user_id) if user_id else Value(False))

    def visible_to(self, user_id: UUID | None) -> Self:
        """Whoever has the link, but for private ones."""
        open_ones = ~Q(visibility=Visibility.PRIVATE)
        return self.filter(open_ones | _is_member(user_id) if user_id else open_ones)

    def listed_for(self, user_id: UUID | None) -> Self:
        """Public ones, and those that he owns or works on."""
        public = Q(visibility=Visibility.PUBLIC)
        return self.filter(public | _is_member(user_id) if user_id else public)


def _is_member(user_id: UUID) -> Q:
    shared = PlaylistCollaborator.objects.filter(playlist_id=OuterRef("pk"), user_id=user_id)
    return Q(owner_id=user_id) | Q(Exists(shared))


PlaylistManager = models.Manager.from_queryset(PlaylistQuerySet)


class Playlist(Entity):
    """Somebody's list of tracks."""

    owner = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    title = models.CharField(max_length=200)
    description = models.TextField(max_length=2000, blank=True)
    visibility = models.CharField(
        max_length=10, choices=Visibility.choices, default=Visibility.PRIVATE
    )
    collaborative = models.BooleanField(default=False)
    item_count = models.PositiveIntegerField(default=0)
    rules = models.JSONField(null=True, blank=True, help_text="Of a smart one, which has no items")
    artwork_prefix = models.CharField(
        max_length=100, blank=True, help_text="Where its own picture lies"
    )
    words = models.GeneratedField(
        expression=Folded(Joined("title", "description")),
        output_field=models.TextField(),
        db_persist=True,
    )

    objects = PlaylistManager()

    class Meta:
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="playlist_by_owner"),
            GinIndex(SearchVector("words", config=CONFIG), name="playlist_search"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_smart(self) -> bool:
        """Whether its tracks follow from rules."""
        return self.rules is not None


class PlaylistItem(Entity):
    """A track at a place; `place` sorts byte by byte, and there is always one between two."""

    playlist = models.ForeignKey(Playlist, on_delete=models.CASCADE, related_name="items")
    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="+")
    added_by = models.ForeignKey(
        "accounts.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    place = models.CharField(max_length=500, db_collation="C")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["playlist", "place"], name="playlist_place_once")
        ]

    def __str__(self) -> str:
        return f"{self.playlist_id} {self.place}"


class PlaylistCollaborator(models.Model):
    """Somebody besides the owner who may change the items."""

    playlist = models.ForeignKey(Playlist, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["playlist", "user"], name="playlist_collaborator_once")
        ]

    def __str__(self) -> str:
        return f"{self.playlist_id} {self.user_id}"
