"""Shapes on the wire."""

from typing import Any

from rest_framework import serializers

from apps.discovery.types import Kind
from veza.kit.api.fields import TextOnly

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
KINDS = ", ".join(Kind.values)


class SearchInput(serializers.Serializer):
    """What is looked for, and where."""

    q = TextOnly(max_length=200, allow_blank=True, help_text="Words, or how they begin.")
    type = TextOnly(
        required=False,
        max_length=100,
        help_text=f"Which lists are wanted, with commas between them: {KINDS}. Without it all.",
    )
    limit = serializers.IntegerField(
        default=DEFAULT_LIMIT, min_value=1, max_value=MAX_LIMIT, help_text="Of each list."
    )

    def validate_type(self, value: str) -> tuple[Kind, ...]:
        names = dict.fromkeys(name.strip() for name in value.split(","))
        try:
            return tuple(Kind(name) for name in names)
        except ValueError:
            raise serializers.ValidationError(f"Use some of {KINDS}.") from None


def _list_of(component: str) -> dict[str, Any]:
    """The apps below own these shapes, and describe them where they are read alone."""
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{component}"}}


_OPEN_LIST = {"type": "array", "items": {"type": "object"}}
SEARCH_OUTPUT: dict[str, Any] = {
    "type": "object",
    "description": "The lists that were asked for.",
    "properties": {
        Kind.TRACKS.value: _list_of("TrackInListOutput"),
        Kind.USERS.value: _list_of("UploaderOutput"),
        Kind.PLAYLISTS.value: _list_of("PlaylistOutput"),
        Kind.STREAMS.value: _OPEN_LIST,
        Kind.PRODUCTS.value: _OPEN_LIST,
    },
}
