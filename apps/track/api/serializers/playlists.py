"""Playlists on the wire."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.track.api.serializers.tracks import TrackInListOutput, UploaderOutput
from apps.track.types import Visibility
from veza.kit.api.fields import Flag, TextOnly, single_line

RULES = {
    "type": "object",
    "description": "`all` or `any` of conditions `{field, op, value}` and groups, with `ordering`"
    " and `limit`.",
    "example": {"all": [{"field": "genre", "op": "is", "value": "House"}], "limit": 50},
}


@extend_schema_field(RULES)
class RulesField(serializers.JSONField):
    """Rules of a smart playlist; null for none."""


class UpdatePlaylistInput(serializers.Serializer):
    """Every field may be left out."""

    title = TextOnly(required=False, max_length=200, validators=[single_line])
    description = TextOnly(required=False, max_length=2000, allow_blank=True)
    visibility = serializers.ChoiceField(required=False, choices=Visibility.choices)
    collaborative = Flag(required=False)
    rules = RulesField(required=False, allow_null=True)


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
    rules = RulesField(allow_null=True)
    item_count = serializers.IntegerField(
        allow_null=True, help_text="Null for a smart one: what it holds depends on who reads it."
    )
    duration_ms = serializers.IntegerField(allow_null=True, help_text="As `item_count`.")
    artwork_url = serializers.CharField(allow_null=True)
    can_edit = serializers.BooleanField(help_text="Whether the caller may change the items.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class PlaylistItemOutput(serializers.Serializer):
    """A track at its place; in a smart playlist its id is that of the track."""

    id = serializers.UUIDField()
    track = TrackInListOutput()
    added_by = UploaderOutput(allow_null=True)
    added_at = serializers.DateTimeField()


def told_after(data: dict[str, Any], *, last: object) -> object:
    """Where an item is to stand: absent is last."""
    return data.get("after", last)


class ArtworkForm(serializers.Serializer):
    """A picture as the field of a form."""

    file = serializers.FileField()


class ExportInput(serializers.Serializer):
    """In which form."""

    form = serializers.ChoiceField(choices=("m3u8", "jspf"), default="m3u8")


class ImportTexts(serializers.Serializer):
    """What is told of the playlist; without a title the file's is taken."""

    title = TextOnly(required=False, max_length=200, validators=[single_line])
    visibility = serializers.ChoiceField(required=False, choices=Visibility.choices)


class ImportForm(ImportTexts):
    """The file, and what is told of the playlist."""

    file = serializers.FileField()


class MissingOutput(serializers.Serializer):
    """An entry of the file that is none of our tracks."""

    position = serializers.IntegerField(help_text="Counted from 1.")
    title = serializers.CharField()
    artist = serializers.CharField()
    locations = serializers.ListField(child=serializers.CharField())


class ImportOutput(serializers.Serializer):
    """What was made of a file."""

    playlist = PlaylistOutput()
    added = serializers.IntegerField()
    not_found = MissingOutput(many=True)
