"""Reports of the stream server on the wire."""

from typing import Any
from urllib.parse import urlsplit

from rest_framework import serializers

from veza.kit.api.fields import TextOnly, single_line

MAX_INTEGER = 2**31 - 1
MAX_RENDITIONS = 20


def _absolute(value: str) -> None:
    """Listeners are sent there, so it is an address of the web, without a password in it."""
    try:
        parts = urlsplit(value)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts[1]
    except ValueError:
        is_good = False
    if not is_good or not value.isascii() or " " in value:
        raise serializers.ValidationError("This is an absolute address, http:// or https://.")


class RenditionInput(serializers.Serializer):
    """One quality of the stream."""

    bitrate_bps = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_INTEGER, help_text="Without it, not noted."
    )
    codec = TextOnly(required=False, default="", allow_blank=True, max_length=40)
    size_bytes = serializers.IntegerField(
        required=False, default=0, min_value=0, max_value=2**63 - 1
    )
    segments = serializers.IntegerField(
        required=False, default=0, min_value=0, max_value=MAX_INTEGER
    )
    playlist_sha256 = TextOnly(required=False, default="", allow_blank=True, max_length=64)


class StreamReadyInput(serializers.Serializer):
    """`master_url` is needed for a job that is `ready`, `error` says why one has `failed`."""

    version = serializers.IntegerField(min_value=1, max_value=MAX_INTEGER)
    status = serializers.ChoiceField(["ready", "failed"])
    master_url = TextOnly(required=False, max_length=2000, validators=[single_line, _absolute])
    renditions = RenditionInput(many=True, required=False)
    duration_ms = serializers.IntegerField(required=False, min_value=1, max_value=MAX_INTEGER)
    error = TextOnly(required=False, allow_blank=True, max_length=5000)

    def validate_renditions(self, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len(value) > MAX_RENDITIONS:
            raise serializers.ValidationError(f"There are at most {MAX_RENDITIONS}.")
        told = [each for each in value if "bitrate_bps" in each]
        if len({each["bitrate_bps"] for each in told}) != len(told):
            raise serializers.ValidationError("Each bit rate stands once.")
        return told
