"""The shapes of games and rounds."""

from rest_framework import serializers

MAX_LIMIT = 1000
DEFAULT_LIMIT = 50


class GameOutput(serializers.Serializer):
    """A game whose rounds are streamed."""

    id = serializers.UUIDField()
    slug = serializers.CharField(max_length=64)
    name = serializers.CharField(max_length=200, allow_blank=True)
    type = serializers.CharField(max_length=64)


class RoundOutput(serializers.Serializer):
    """A finished round."""

    id = serializers.IntegerField(help_text="A bigint: other programs write the table.")
    game_id = serializers.UUIDField()
    game_slug = serializers.CharField()
    game_type = serializers.CharField()
    finished_at = serializers.DateTimeField()
    extras = serializers.JSONField()
    timestamp = serializers.IntegerField(help_text="`finished_at` in milliseconds since 1970.")


class RoundsOutput(serializers.Serializer):
    """Rounds, newest first."""

    results = RoundOutput(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class RoundsInput(serializers.Serializer):
    """Which rounds are asked for, and how many: for the OpenAPI document."""

    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT)
    cursor = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False,
        help_text="Where to go on: from `next` or `previous`.",
    )  # fmt: skip
