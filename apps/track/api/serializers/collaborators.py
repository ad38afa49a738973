"""Collaborators of a track on the wire."""

from rest_framework import serializers

from apps.track.api.serializers.tracks import UploaderOutput


class CollaboratorOutput(serializers.Serializer):
    """Somebody who may edit the track."""

    user = UploaderOutput(allow_null=True)
    added_at = serializers.DateTimeField()
