"""Kinds of fields: what they accept."""

from typing import Any

from django.core.validators import RegexValidator, URLValidator
from rest_framework import serializers

from apps.auth.models import USERNAME_FORM, USERNAME_HINT
from apps.auth.services.passwords import MAX_LENGTH
from veza.kit.api.fields import TextOnly


class Username(TextOnly):
    """One message for every way of being no user name."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.validators.append(RegexValidator(USERNAME_FORM, USERNAME_HINT))


class Email(TextOnly, serializers.EmailField):
    """An e-mail address, as far as its form goes."""


class WebAddress(TextOnly, serializers.URLField):
    """http and https alone: these become links in other people's browsers."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.validators = [v for v in self.validators if not isinstance(v, URLValidator)]
        self.validators.append(URLValidator(["http", "https"], message="Use an http(s) address."))


class Password(TextOnly):
    """Taken as it is, and never shown."""

    def __init__(self, **options: Any) -> None:
        options |= {"max_length": MAX_LENGTH, "trim_whitespace": False, "write_only": True}
        super().__init__(**options, style={"input_type": "password"})
