"""Shapes on the wire. Input classes check form; output classes choose fields."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, URLValidator
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.auth.models import USERNAME_FORM, USERNAME_HINT, User
from apps.auth.services.passwords import MAX_LENGTH, MIN_LENGTH
from apps.auth.types import RoleName

MAX_LINKS = 10
# Control characters, and those that reverse the reading direction of what follows them.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def single_line(value: str) -> None:
    """For what stands beside other people's text: nothing that hides or reorders it."""
    if _UNSEEN.search(value):
        raise ValidationError("Use one line without control characters.", code="invalid")


class _TextOnly(serializers.CharField):
    """A JSON string; the framework would also take a number for one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class _Username(_TextOnly):
    """One message for every way of being no user name."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.validators.append(RegexValidator(USERNAME_FORM, USERNAME_HINT))


class _Email(_TextOnly, serializers.EmailField):
    pass


class _WebAddress(_TextOnly, serializers.URLField):
    """http and https alone: these become links in other people's browsers."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.validators = [v for v in self.validators if not isinstance(v, URLValidator)]
        self.validators.append(URLValidator(["http", "https"], message="Use an http(s) address."))


class _Password(_TextOnly):
    def __init__(self, **options: Any) -> None:
        options |= {"max_length": MAX_LENGTH, "trim_whitespace": False, "write_only": True}
        super().__init__(**options, style={"input_type": "password"})


class RegisterInput(serializers.Serializer):
    """A new account."""

    username = _Username(trim_whitespace=False, help_text=USERNAME_HINT)
    email = _Email(max_length=255)
    password = _Password(
        help_text=f"At least {MIN_LENGTH} characters, neither common nor made of your name."
    )


class LoginInput(serializers.Serializer):
    """Credentials."""

    login = _TextOnly(max_length=255, help_text="E-mail address or user name, in any case.")
    password = _Password()


class RefreshInput(serializers.Serializer):
    """The newest refresh token of a session."""

    refresh = _TextOnly(max_length=4096)


class LinkInput(serializers.Serializer):
    """A link on a profile."""

    title = _TextOnly(max_length=100, validators=[single_line])
    url = _WebAddress(max_length=500)


class UpdateProfileInput(serializers.Serializer):
    """Every field may be left out. Members that are not listed here have no effect."""

    display_name = _TextOnly(
        required=False, max_length=100, allow_blank=True, validators=[single_line]
    )
    bio = _TextOnly(required=False, max_length=2000, allow_blank=True)
    avatar_url = _WebAddress(required=False, max_length=500, allow_null=True, allow_blank=True)
    banner_url = _WebAddress(required=False, max_length=500, allow_null=True, allow_blank=True)
    location = _TextOnly(required=False, max_length=100, allow_blank=True, validators=[single_line])
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
        return False  # there is no way to turn one on yet


class TokensOutput(serializers.Serializer):
    """The tokens of a session."""

    access = serializers.CharField(help_text="Send it as `Authorization: Bearer <access>`.")
    refresh = serializers.CharField(help_text="Works once; every use gives a new one.")
    expires_in = serializers.IntegerField(help_text="Life of `access` in seconds.")


class SignInOutput(TokensOutput):
    """Who has signed in, and the tokens of the new session."""

    user = OwnUserOutput()
