"""Proving an address, choosing another password."""

from rest_framework import serializers

from apps.auth.api.serializers.fields import Email, Password
from apps.auth.services.passwords import MIN_LENGTH
from veza.kit.api.fields import TextOnly

NEW = f"At least {MIN_LENGTH} characters, neither common nor made of your name."


class KeyInput(serializers.Serializer):
    """What stands behind `#key=` in the mail."""

    key = TextOnly(max_length=200)


class ResetInput(serializers.Serializer):
    """Whose password was forgotten."""

    email = Email(max_length=255)


class ResetConfirmInput(KeyInput):
    """The key from the mail, and what to sign in with from now on."""

    password = Password(help_text=NEW)


class ChangePasswordInput(serializers.Serializer):
    """Both passwords."""

    current_password = Password()
    password = Password(help_text=NEW)
