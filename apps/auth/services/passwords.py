"""Which passwords are accepted: long and hard to guess. No rules of composition (ASVS 5.0, 6.2)."""

import logging
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    get_default_password_validators,
)
from django.core.exceptions import ValidationError
from django.db import connection

from apps.auth.models import User
from apps.auth.rules import is_made_of, plain_forms
from veza.integrations.breached_passwords import BreachesUnknownError, breached_passwords
from veza.kit.errors import FieldError

MIN_LENGTH = 12
MAX_LENGTH = 1024
logger = logging.getLogger(__name__)

CONTEXT_WORDS = ("veza", "password", "passwort", "music", "12345")


class LengthValidator:
    """From MIN_LENGTH to MAX_LENGTH characters, all of which count, and no NUL."""

    def validate(self, password: str, user: User | None = None) -> None:
        if len(password) < MIN_LENGTH:
            raise ValidationError(
                f"Use at least {MIN_LENGTH} characters.", code="password_too_short"
            )
        if len(password) > MAX_LENGTH:
            raise ValidationError(f"Use at most {MAX_LENGTH} characters.", code="password_too_long")
        if "\0" in password:
            raise ValidationError("Leave out the NUL character.", code="password_invalid")

    def get_help_text(self) -> str:
        return f"Use {MIN_LENGTH} to {MAX_LENGTH} characters; several words are a good password."


class PaddedCommonPasswordValidator(CommonPasswordValidator):
    """Nor a common password that was made longer: said twice, or with a few signs around it.

    Few common passwords have MIN_LENGTH characters, so these are what people would take instead.
    """

    def validate(self, password: str, user: Any = None) -> None:
        super().validate(password, user)
        for plain in plain_forms(password):
            super().validate(plain, user)


class ContextWordsValidator:
    """Not the name of the service or of the person, repeated or with a few digits behind it."""

    def validate(self, password: str, user: User | None = None) -> None:
        words = [*CONTEXT_WORDS]
        if user is not None:
            words += [user.username, user.email.partition("@")[0]]
        if is_made_of(password, words):
            raise ValidationError(
                "This password is made of words that are tried first.", code="password_too_common"
            )

    def get_help_text(self) -> str:
        return "Your password can't be made of your name or the name of this service."


class BreachedPasswordValidator:
    """Not one of a collection of breached passwords, where BREACHED_PASSWORDS_URL names one.

    A password stays changeable while the collection is away. In a transaction nobody is asked:
    who validates in one calls `look_up_breaches` before.
    """

    def validate(self, password: str, user: User | None = None) -> None:
        if _is_breached(password):
            raise ValidationError(
                "This password stands in a collection of breached ones. Take another.",
                code="password_breached",
            )

    def get_help_text(self) -> str:
        return "Your password can't be one that was in a breach."


def look_up_breaches(password: str) -> None:
    """Ask ahead of a transaction what BreachedPasswordValidator needs to know in it."""
    _is_breached(password)


def _is_breached(password: str) -> bool:
    may_ask = not connection.in_atomic_block
    try:
        return breached_passwords().is_known(password, may_ask=may_ask)
    except BreachesUnknownError as fault:
        logger.warning("password_breaches_unknown", extra={"reason": str(fault)})
        return False


def password_faults(password: str, *, user: User) -> Iterator[FieldError]:
    """What each validator of AUTH_PASSWORD_VALIDATORS has against the password for this user."""
    for validator in get_default_password_validators():
        try:
            validator.validate(password, user)
        except ValidationError as fault:
            yield from (
                FieldError(
                    field="password", code=error.code or "invalid", detail=" ".join(error.messages)
                )
                for error in fault.error_list
            )
