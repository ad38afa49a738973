"""Playlists on the wire."""

from typing import Any

from rest_framework import serializers

from apps.track.api.serializers.tracks import TrackInListOutput, UploaderOutput
from apps.track.types import Visibility
from veza.kit.api.fields import Flag, TextOnly, single_line


class UpdatePlaylistInput(serializers.Serializer):
    """Every field may be left out."""

    title = TextOnly(required=False, max_length=200, validators=[single_line])
    description = TextOnly(required=False, max_length=2000, allow_blank=True)
    visibility = serializers.ChoiceField(required=False, choices=Visibility.choices)
    collaborative = Flag(required=False)


class CreatePlaylistInput(UpdatePlaylistInput):
    """A playlist has a title."""

    title = TextOnly(max_length=200, validators=[single_line])


class ListPlaylistsInput(serializers.Serializer):
    """Filters."""

    owner = TextOnly(required=False, max_length=50, help_text="A user name, or `me`.")


class AddItemInput(serializers.Serializer):
    """`after` is an item; null is first, absent is last."""

    track_id = serializers.UUIDField()
    after = serializers.UUIDField(required=False, allow_null=True)


class MoveItemInput(serializers.Serializer):
    """`after` is an item; null is first."""

    after = serializers.UUIDField(allow_null=True)


class PlaylistOutput(serializers.Serializer):
    """A playlist."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    description = serializers.CharField()
    visibility = serializers.ChoiceField(Visibility.choices)
    collaborative = serializers.BooleanField()
    owner = UploaderOutput()
    item_count = serializers.IntegerField()
    duration_ms = serializers.IntegerField()
    artwork_url = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class PlaylistItemOutput(serializers.Serializer):
    """A track at its place."""

    id = serializers.UUIDField()
    track = TrackInListOutput()
    added_by = UploaderOutput(allow_null=True)
    added_at = serializers.DateTimeField()


def told_after(data: dict[str, Any], *, last: object) -> object:
    """Where an item is to stand: absent is last."""
    return data.get("after", last)
