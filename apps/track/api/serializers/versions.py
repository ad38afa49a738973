"""Versions on the wire."""

from rest_framework import serializers

from apps.track.api.serializers.tracks import AudioOutput
from apps.track.types import TrackStatus
from veza.kit.api.fields import TextOnly, single_line


class AddVersionInput(serializers.Serializer):
    """A finished upload."""

    upload_id = serializers.UUIDField()
    note = TextOnly(required=False, max_length=200, allow_blank=True, validators=[single_line])


class VersionOutput(serializers.Serializer):
    """One file of a track."""

    n = serializers.IntegerField()
    status = serializers.ChoiceField(TrackStatus.choices)
    note = serializers.CharField()
    active = serializers.BooleanField()
    duration_ms = serializers.IntegerField(allow_null=True)
    audio = AudioOutput(source="*", help_text="Of this file, to compare versions by.")
    created_at = serializers.DateTimeField()
