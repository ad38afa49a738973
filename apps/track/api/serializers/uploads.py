"""Direct uploads on the wire."""

from typing import Any

from rest_framework import serializers

from apps.track.rules import parts
from apps.track.types.uploads import UploadState
from veza.kit.api.fields import TextOnly, single_line


class DirectUploadInput(serializers.Serializer):
    """A file that goes to the storage in parts. All but the last have `part_size_bytes`."""

    filename = TextOnly(max_length=255, validators=[single_line])
    size_bytes = serializers.IntegerField(min_value=1)
    part_size_bytes = serializers.IntegerField(
        required=False, min_value=parts.LEAST_BYTES, max_value=parts.MOST_BYTES
    )


class PartAddressOutput(serializers.Serializer):
    """Where one part goes, with PUT."""

    n = serializers.IntegerField()
    size_bytes = serializers.IntegerField()
    url = serializers.URLField()


class DirectUploadOutput(serializers.Serializer):
    """The addresses are good until the upload expires."""

    upload_id = serializers.UUIDField()
    part_size_bytes = serializers.IntegerField()
    parts = PartAddressOutput(many=True)
    expires_at = serializers.DateTimeField()


class PartInput(serializers.Serializer):
    """`etag` as the storage has answered the PUT, with or without its quotes."""

    n = serializers.IntegerField(min_value=1, max_value=parts.MOST_PARTS)
    etag = TextOnly(max_length=200, validators=[single_line])


class CompleteUploadInput(serializers.Serializer):
    """All parts, each once."""

    parts = PartInput(
        many=True,
        allow_empty=False,
        max_length=parts.MOST_PARTS,  # type: ignore[call-arg] # the list's, which stubs do not know
    )

    def validate_parts(self, value: list[dict[str, Any]]) -> dict[int, str]:
        """ETags by number."""
        if len({each["n"] for each in value}) < len(value):
            raise serializers.ValidationError("Each part stands once.", code="invalid")
        return {each["n"]: each["etag"] for each in value}


class UploadOutput(serializers.Serializer):
    """A finished upload, of which a track can be made."""

    upload_id = serializers.UUIDField(source="id")
    state = serializers.ChoiceField(UploadState.choices)
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    expires_at = serializers.DateTimeField()
