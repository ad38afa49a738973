"""Kinds of fields: what they accept."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from rest_framework import serializers

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


class Flag(serializers.BooleanField):
    """JSON's `true` or `false`; the framework would also take "yes" and 1."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data
