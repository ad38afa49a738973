"""Profiles."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.auth.api.serializers.fields import TextOnly, WebAddress, single_line
from apps.auth.models import User
from apps.auth.types import RoleName

MAX_LINKS = 10


class LinkInput(serializers.Serializer):
    """A link on a profile."""

    title = TextOnly(max_length=100, validators=[single_line])
    url = WebAddress(max_length=500)


class UpdateProfileInput(serializers.Serializer):
    """Every field may be left out. Members that are not listed here have no effect."""

    display_name = TextOnly(
        required=False, max_length=100, allow_blank=True, validators=[single_line]
    )
    bio = TextOnly(required=False, max_length=2000, allow_blank=True)
    avatar_url = WebAddress(required=False, max_length=500, allow_null=True, allow_blank=True)
    banner_url = WebAddress(required=False, max_length=500, allow_null=True, allow_blank=True)
    location = TextOnly(required=False, max_length=100, allow_blank=True, validators=[single_line])
    links = serializers.ListField(child=LinkInput(), required=False, max_length=MAX_LINKS)

    def validate_avatar_url(self, value: str | None) -> str:
        return value or ""

    def validate_banner_url(self, value: str | None) -> str:
        return value or ""


class LinkOutput(serializers.Serializer):
    """A link on a profile."""

    title = serializers.CharField()
    url = serializers.URLField()


class OwnUserOutput(serializers.ModelSerializer):
    """A user as he sees himself."""

    email_verified = serializers.SerializerMethodField()
    avatar_url = serializers.SerializerMethodField()
    banner_url = serializers.SerializerMethodField()
    links = LinkOutput(many=True)
    roles = serializers.ListField(child=serializers.ChoiceField(RoleName.choices))
    two_factor = serializers.SerializerMethodField(help_text="Whether a second factor is on.")

    class Meta:
        model = User
        fields = [
            "id",
            "username",
            "email",
            "email_verified",
            "display_name",
            "bio",
            "avatar_url",
            "banner_url",
            "location",
            "links",
            "roles",
            "two_factor",
            "created_at",
        ]
        read_only_fields = fields

    def get_email_verified(self, user: User) -> bool:
        return user.email_verified_at is not None

    @extend_schema_field({"type": ["string", "null"], "format": "uri"})
    def get_avatar_url(self, user: User) -> str | None:
        return user.avatar_url or None

    @extend_schema_field({"type": ["string", "null"], "format": "uri"})
    def get_banner_url(self, user: User) -> str | None:
        return user.banner_url or None

    def get_two_factor(self, user: User) -> bool:
        return user.has_second_factor
