"""Shapes on the wire."""

from rest_framework import serializers

from veza.kit.api.fields import TextOnly

MAX_ROOMS = 128
MAX_NAME = 200


class ChatTokenInput(serializers.Serializer):
    """For which rooms; none for all that one may join."""

    rooms = serializers.ListField(
        child=TextOnly(max_length=MAX_NAME), required=False, max_length=MAX_ROOMS
    )


class ChatTokenOutput(serializers.Serializer):
    """What a client hands to the chat server at `url`."""

    token = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Life of the token in seconds.")
    url = serializers.CharField()


class IntrospectInput(serializers.Serializer):
    """What a client has handed to the chat server."""

    token = TextOnly(max_length=4096)


class IntrospectOutput(serializers.Serializer):
    """RFC 7662: nothing but `active` is said of a token that is not good."""

    active = serializers.BooleanField()
    user_id = serializers.UUIDField(required=False)
    username = serializers.CharField(required=False)
    roles = serializers.ListField(child=serializers.CharField(), required=False)
    rooms = serializers.ListField(child=serializers.CharField(), required=False)
