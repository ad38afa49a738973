"""Profiles."""

from rest_framework import serializers

from apps.auth.api.serializers.fields import WebAddress
from apps.auth.api.serializers.pictures import PicturesOutput
from apps.auth.models import User
from apps.auth.types import RoleName
from veza.kit.api.fields import TextOnly, single_line

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


class OwnUserOutput(PicturesOutput):
    """A user as he sees himself."""

    email_verified = serializers.SerializerMethodField()
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
            "avatars",
            "banner_url",
            "banners",
            "location",
            "links",
            "roles",
            "two_factor",
            "created_at",
        ]
        read_only_fields = fields

    def get_email_verified(self, user: User) -> bool:
        return user.email_verified_at is not None

    def get_two_factor(self, user: User) -> bool:
        return user.has_second_factor


class PublicUserOutput(PicturesOutput):
    """A user as everyone sees him."""

    links = LinkOutput(many=True)
    follower_count = serializers.SerializerMethodField()
    following_count = serializers.SerializerMethodField()
    track_count = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = [
            "id",
            "username",
            "display_name",
            "bio",
            "avatar_url",
            "avatars",
            "banner_url",
            "banners",
            "location",
            "links",
            "created_at",
            "follower_count",
            "following_count",
            "track_count",
        ]
        read_only_fields = fields

    def get_follower_count(self, user: User) -> int:
        return int(self.context["counts"]["follower_count"])

    def get_following_count(self, user: User) -> int:
        return int(self.context["counts"]["following_count"])

    def get_track_count(self, user: User) -> int:
        return int(self.context["counts"]["track_count"])
