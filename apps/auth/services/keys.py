"""Keys in mails: good once, for an hour, and only while the account is as it was.

No row holds them: a key is a signature over the state of the account (as Django's own for
passwords), so whatever changes that state spends it.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from django.contrib.auth.tokens import PasswordResetTokenGenerator

from apps.auth.models import User

NOBODY = UUID(int=0)


class _ResetKeys(PasswordResetTokenGenerator):
    """Spent by a new password, by a sign-in, and by another address."""

    key_salt = "apps.auth.services.keys.reset"


class _VerificationKeys(PasswordResetTokenGenerator):
    """Spent when the address is verified, or is another."""

    key_salt = "apps.auth.services.keys.verification"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        verified = user.email_verified_at.isoformat() if user.email_verified_at else ""
        return f"{user.pk}{user.email}{verified}{timestamp}"


_RESET, _VERIFICATION = _ResetKeys(), _VerificationKeys()


def reset_key(user: User) -> str:
    """For choosing a new password."""
    return _join(user, _RESET.make_token(user))


def verification_key(user: User) -> str:
    """For proving that he reads the mail of his address."""
    return _join(user, _VERIFICATION.make_token(user))


def is_reset_key(key: str, *, user: User) -> bool:
    """Whether the key was made for this state of the user, within the hour."""
    return _RESET.check_token(user, _split(key)[1])


def is_verification_key(key: str, *, user: User) -> bool:
    """Whether the key was made for this state of the user, within the hour."""
    return _VERIFICATION.check_token(user, _split(key)[1])


def user_of(key: str) -> UUID:
    """Whose key it says it is; nobody's id for what is no key."""
    return _split(key)[0]


def _join(user: User, token: str) -> str:
    return f"{urlsafe_b64encode(user.id.bytes).decode().rstrip('=')}.{token}"


def _split(key: str) -> tuple[UUID, str]:
    name, _, token = key.partition(".")
    try:
        return UUID(bytes=urlsafe_b64decode(name + "==")), token
    except ValueError:
        return NOBODY, ""
