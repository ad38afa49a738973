"""What people have chosen for themselves."""

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django.core.validators import RegexValidator
from rest_framework import serializers

from apps.auth.models import UserSettings
from apps.auth.types import ExportStatus, Theme
from veza.kit.api.fields import Flag, TextOnly

LANGUAGE = RegexValidator(
    r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}\Z", "Use a language tag such as en or pt-BR."
)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


class UpdateSettingsInput(serializers.Serializer):
    """Every field may be left out. Members that are not listed here have no effect."""

    language = TextOnly(required=False, max_length=35, validators=[LANGUAGE])
    timezone = TextOnly(required=False, max_length=64, help_text="Such as Europe/Paris.")
    theme = serializers.ChoiceField(required=False, choices=Theme.choices)
    private_likes = Flag(required=False)
    explicit_content = Flag(required=False)
    email_digest = Flag(required=False)

    def validate_timezone(self, value: str) -> str:
        if value not in _zones():
            raise serializers.ValidationError("Use a name of the IANA time zone database.")
        return value


class SettingsOutput(serializers.ModelSerializer):
    """All of them."""

    class Meta:
        model = UserSettings
        fields = [
            "language",
            "timezone",
            "theme",
            "private_likes",
            "explicit_content",
            "email_digest",
        ]
        read_only_fields = fields


class CompletionOutput(serializers.Serializer):
    """How much of the profile is filled in."""

    percent = serializers.IntegerField()
    missing = serializers.ListField(child=serializers.CharField())


class ExportOutput(serializers.Serializer):
    """A copy of all that the platform holds on the caller."""

    status = serializers.ChoiceField(ExportStatus.choices)
    progress = serializers.IntegerField(help_text="0 to 100")
    url = serializers.CharField(allow_null=True, help_text="Good until `expires_at`.")
    expires_at = serializers.DateTimeField(allow_null=True)


class EraseInput(serializers.Serializer):
    """Who leaves proves himself; an account without a password by step-up."""

    password = TextOnly(required=False, allow_blank=True, trim_whitespace=False, max_length=1024)
    otp = TextOnly(required=False, allow_blank=True, max_length=64)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {"password": "", "otp": "", **attrs}


class EraseOutput(serializers.Serializer):
    """Signing in before then cancels it."""

    erase_at = serializers.DateTimeField()
