"""How often one may try. What is counted, and why nobody can lock out somebody else:

* An address has RATE_LIMIT_LOGIN_PER_MINUTE tries a minute, whatever it tries.
* An account has twice as many from all addresses together, against guessing from many of them:
  one attacker with one address can use up no more than half.
* An address from which the account was signed in to before is held to its own limit alone, so
  that an attack does not reach the owner at home.

Accounts are counted by what was typed, so the answer tells nothing about who exists.
"""

from hashlib import sha256
from uuid import UUID

from django.conf import settings

from apps.auth.selectors import has_signed_in_from
from veza.kit.api.requests import address_group
from veza.kit.api.throttling import spend
from veza.kit.errors import ThrottledError

ACCOUNT_FACTOR = 2


def spend_login(*, login: str, address: str) -> None:
    """Count a try to sign in. Raises ThrottledError."""
    per_minute = settings.RATE_LIMIT_LOGIN_PER_MINUTE
    spend(scope="login_address", key=address_group(address), per_minute=per_minute)
    try:
        spend(scope="login_account", key=_name(login), per_minute=per_minute * ACCOUNT_FACTOR)
    except ThrottledError:
        if not has_signed_in_from(login=login, address=address):
            raise


def spend_registration(*, email: str, address: str) -> None:
    """Count a try to register. Raises ThrottledError."""
    per_minute = settings.RATE_LIMIT_LOGIN_PER_MINUTE
    spend(scope="register_address", key=address_group(address), per_minute=per_minute)
    spend(scope="register_account", key=_name(email), per_minute=per_minute)


def spend_reset(*, email: str, address: str) -> None:
    """Count a wish for a new password. Raises ThrottledError, the same for who has no account."""
    per_minute = settings.RATE_LIMIT_LOGIN_PER_MINUTE
    spend(scope="reset_address", key=address_group(address), per_minute=per_minute)
    spend(scope="reset_account", key=_name(email), per_minute=per_minute)


def spend_key(*, address: str) -> None:
    """Count a key from a mail that is tried. Raises ThrottledError."""
    per_minute = settings.RATE_LIMIT_LOGIN_PER_MINUTE
    spend(scope="key_address", key=address_group(address), per_minute=per_minute)


def spend_proof(*, user_id: UUID) -> None:
    """Count a try of who is signed in to prove that it is he. Raises ThrottledError."""
    spend(scope="proof", key=str(user_id), per_minute=settings.RATE_LIMIT_LOGIN_PER_MINUTE)


def spend_passkey(*, address: str) -> None:
    """Count a step of signing in by a passkey, of which there are two. Raises ThrottledError."""
    per_minute = settings.RATE_LIMIT_LOGIN_PER_MINUTE * 2
    spend(scope="passkey_address", key=address_group(address), per_minute=per_minute)


def spend_social(*, address: str) -> None:
    """Count a step of signing in at a provider, of which there are two. Raises ThrottledError."""
    per_minute = settings.RATE_LIMIT_LOGIN_PER_MINUTE * 2
    spend(scope="social_address", key=address_group(address), per_minute=per_minute)


def _name(login: str) -> str:
    """Short, and no personal data in Redis."""
    return sha256(login.casefold().encode()).hexdigest()[:32]
