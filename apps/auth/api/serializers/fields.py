"""Kinds of fields: what they accept."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, URLValidator
from rest_framework import serializers

from apps.auth.models import USERNAME_FORM, USERNAME_HINT
from apps.auth.services.passwords import MAX_LENGTH

# Control characters, and those that reverse the reading direction of what follows them.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def single_line(value: str) -> None:
    """For what stands beside other people's text: nothing that hides or reorders it."""
    if _UNSEEN.search(value):
        raise ValidationError("Use one line without control characters.", code="invalid")


class TextOnly(serializers.CharField):
    """A JSON string; the framework would also take a number for one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


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
