"""Pictures of people: as they come in, and where they are."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.auth.models import User
from apps.auth.rules import PICTURES
from apps.auth.selectors import picture_url, picture_urls
from apps.auth.types import PictureKind

_URL = {"type": ["string", "null"], "format": "uri"}


class PictureForm(serializers.Serializer):
    """A picture as the field of a form."""

    file = serializers.FileField()


def _sizes(kind: PictureKind) -> dict[str, Any]:
    sizes = list(PICTURES[kind].sizes)
    properties = {size: {"type": "string", "format": "uri"} for size in sizes}
    return {"type": ["object", "null"], "properties": properties, "required": sizes}


class PicturesOutput(serializers.ModelSerializer):
    """For every output of a user that shows pictures."""

    avatar_url = serializers.SerializerMethodField()
    avatars = serializers.SerializerMethodField(
        help_text="The uploaded avatar in its sizes, squares by their width."
    )
    banner_url = serializers.SerializerMethodField()
    banners = serializers.SerializerMethodField(
        help_text="The uploaded banner in its sizes, three to one, by their width."
    )

    @extend_schema_field(_URL)
    def get_avatar_url(self, user: User) -> str | None:
        return picture_url(user, PictureKind.AVATAR)

    @extend_schema_field(_URL)
    def get_banner_url(self, user: User) -> str | None:
        return picture_url(user, PictureKind.BANNER)

    @extend_schema_field(_sizes(PictureKind.AVATAR))
    def get_avatars(self, user: User) -> dict[str, str] | None:
        return picture_urls(user, PictureKind.AVATAR)

    @extend_schema_field(_sizes(PictureKind.BANNER))
    def get_banners(self, user: User) -> dict[str, str] | None:
        return picture_urls(user, PictureKind.BANNER)
