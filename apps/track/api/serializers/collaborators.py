"""Collaborators of a track or playlist on the wire."""

from rest_framework import serializers

from apps.track.api.serializers.tracks import UploaderOutput


class CollaboratorOutput(serializers.Serializer):
    """Somebody besides the owner who may edit it."""

    user = UploaderOutput(allow_null=True)
    added_at = serializers.DateTimeField()
