"""Registering, signing in, staying."""

from rest_framework import serializers

from apps.auth.api.serializers.fields import Email, Password, Username
from apps.auth.api.serializers.profile import OwnUserOutput
from apps.auth.models import USERNAME_HINT
from apps.auth.services.passwords import MIN_LENGTH
from veza.kit.api.fields import TextOnly


class RegisterInput(serializers.Serializer):
    """A new account."""

    username = Username(trim_whitespace=False, help_text=USERNAME_HINT)
    email = Email(max_length=255)
    password = Password(
        help_text=f"At least {MIN_LENGTH} characters, neither common nor made of your name."
    )


class LoginInput(serializers.Serializer):
    """Credentials."""

    login = TextOnly(max_length=255, help_text="E-mail address or user name, in any case.")
    password = Password()
    otp = TextOnly(
        required=False,
        allow_blank=True,
        max_length=64,
        help_text="Where a second factor is on: a code of the app, or a recovery code.",
    )


class RefreshInput(serializers.Serializer):
    """The newest refresh token of a session."""

    refresh = TextOnly(max_length=4096)


class TokensOutput(serializers.Serializer):
    """The tokens of a session."""

    access = serializers.CharField(help_text="Send it as `Authorization: Bearer <access>`.")
    refresh = serializers.CharField(help_text="Works once; every use gives a new one.")
    expires_in = serializers.IntegerField(help_text="Life of `access` in seconds.")


class SignInOutput(TokensOutput):
    """Who has signed in, and the tokens of the new session."""

    user = OwnUserOutput()
