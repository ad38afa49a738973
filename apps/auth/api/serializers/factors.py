"""Second factors, passkeys, step-up."""

from typing import Any

from rest_framework import serializers

from apps.auth.api.serializers.fields import Password
from apps.auth.models import Passkey
from veza.kit.api.fields import TextOnly, single_line


class Code(TextOnly):
    """A code of the app or a recovery code; which codes there are is no matter of form."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": 64, **options})


class Credential(serializers.DictField):
    """What `PublicKeyCredential.toJSON()` gives."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"child": serializers.JSONField(allow_null=True), **options})


class ConfirmInput(serializers.Serializer):
    """A code of the app that is being set up."""

    code = Code()


class TurnOffInput(serializers.Serializer):
    """Both factors once more."""

    password = Password()
    code = Code(help_text="A code of the app, or a recovery code.")


class StepUpInput(serializers.Serializer):
    """One of the three."""

    password = Password(required=False, help_text="Where no second factor is on.")
    otp = Code(required=False, help_text="A code of the app, or a recovery code.")
    credential = Credential(required=False, help_text="From `/auth/passkeys/login/options`.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError("Send one of password, otp, credential.")
        return attrs


class PasskeyInput(serializers.Serializer):
    """What the authenticator made, and how its owner calls it."""

    credential = Credential()
    name = TextOnly(max_length=100, validators=[single_line])


class PasskeyLoginInput(serializers.Serializer):
    """What the authenticator answered."""

    credential = Credential()


class SetupOutput(serializers.Serializer):
    """For an authenticator app; shown once."""

    secret = serializers.CharField(help_text="Base32, to be typed where nothing can be scanned.")
    otpauth_url = serializers.CharField()
    qr_svg = serializers.CharField(help_text="The same address as a picture, SVG.")


class RecoveryCodesOutput(serializers.Serializer):
    """Shown once."""

    recovery_codes = serializers.ListField(
        child=serializers.CharField(), help_text="Each signs in once in place of a code."
    )


class PasskeyOutput(serializers.ModelSerializer):
    """A passkey as its owner sees it."""

    class Meta:
        model = Passkey
        fields = ["id", "name", "created_at", "last_used_at"]
        read_only_fields = fields
