"""Signing in at a provider."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.auth.models import SocialIdentity
from apps.auth.selectors import find_provider_of
from apps.auth.types import SocialAnswer
from veza.kit.api.fields import TextOnly


class SocialBeginInput(serializers.Serializer):
    """Where the provider is to send the browser back."""

    redirect_uri = TextOnly(
        max_length=2000, trim_whitespace=False, help_text="One of `OIDC_REDIRECT_URIS`."
    )


class SocialFinishInput(serializers.Serializer):
    """What the browser came back with, and what was kept while it was away."""

    state = TextOnly(max_length=200)
    code = TextOnly(max_length=4096, trim_whitespace=False)
    secret = TextOnly(max_length=200, help_text="From `begin`; it never left this browser.")
    iss = TextOnly(
        required=False,
        allow_blank=True,
        max_length=255,
        help_text="Send it where the provider added it to the address (RFC 9207).",
    )
    otp = TextOnly(
        required=False,
        allow_blank=True,
        max_length=64,
        help_text="Where a second factor is on: a code of the app, or a recovery code.",
    )

    def to_answer(self) -> SocialAnswer:
        told: dict[str, Any] = dict(self.validated_data)
        return SocialAnswer(issuer=told.pop("iss", ""), **told)


class SocialProviderOutput(serializers.Serializer):
    """A provider to sign in by."""

    name = serializers.CharField(help_text="For the address.")
    label = serializers.CharField(help_text="For people.")  # type: ignore[assignment]


class SocialProvidersOutput(serializers.Serializer):
    """All of them at once."""

    results = SocialProviderOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class SocialBeginOutput(serializers.Serializer):
    """Send the browser to `authorization_url`; keep the others in it, for `finish`."""

    authorization_url = serializers.CharField()
    state = serializers.CharField()
    secret = serializers.CharField(help_text="Proves to `finish` that it is the same browser.")


class SocialIdentityOutput(serializers.ModelSerializer):
    """A linked login as the owner of the account sees it."""

    provider = serializers.SerializerMethodField(
        help_text="Its name; null when it is not set up any more."
    )
    label = serializers.SerializerMethodField()  # type: ignore[assignment]

    class Meta:
        model = SocialIdentity
        fields = ["id", "provider", "label", "email", "created_at", "last_used_at"]
        read_only_fields = fields

    @extend_schema_field({"type": ["string", "null"]})
    def get_provider(self, identity: SocialIdentity) -> str | None:
        found = find_provider_of(identity.issuer)
        return found.name if found else None

    def get_label(self, identity: SocialIdentity) -> str:
        found = find_provider_of(identity.issuer)
        return found.label if found else identity.issuer
