"""Tokens for programs."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from apps.auth.models import AccessToken
from apps.auth.types import Scope
from veza.kit.api.fields import TextOnly, single_line

LONGEST = timedelta(days=366)
USUAL = timedelta(days=90)


class AccessTokenInput(serializers.Serializer):
    """What the token is for."""

    name = TextOnly(max_length=100, validators=[single_line])
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), min_length=1, max_length=len(Scope)
    )
    expires_at = serializers.DateTimeField(
        required=False, help_text="At most a year from now; default 90 days."
    )

    def validate_scopes(self, value: list[str]) -> frozenset[str]:
        return frozenset(value)

    def validate_expires_at(self, value: datetime) -> datetime:
        if not timezone.now() < value <= timezone.now() + LONGEST:
            raise serializers.ValidationError("Use a time within a year from now.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {"expires_at": timezone.now() + USUAL, **attrs}


class AccessTokenOutput(serializers.ModelSerializer):
    """A token as its owner sees it later."""

    scopes = serializers.ListField(child=serializers.ChoiceField(Scope.choices))

    class Meta:
        model = AccessToken
        fields = ["id", "name", "scopes", "created_at", "expires_at", "last_used_at"]
        read_only_fields = fields


class NewAccessTokenOutput(AccessTokenOutput):
    """The only answer that holds the token."""

    token = serializers.CharField(
        help_text="Shown once. Send it as `Authorization: Bearer <token>`."
    )

    class Meta(AccessTokenOutput.Meta):
        fields = [*AccessTokenOutput.Meta.fields, "token"]
        read_only_fields = fields
