"""Secrets at rest. Fernet (AES-128-CBC with HMAC-SHA-256), keys from ENCRYPTION_KEYS."""

import base64
import hashlib
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

_PURPOSE = b"veza.kit.crypto:"


class DecryptionError(Exception):
    """No key of ENCRYPTION_KEYS opens this: the text was changed, or its key is gone."""


def encrypt(text: str) -> str:
    """Seal `text` with the first key. Equal texts give different tokens."""
    return _keyring(tuple(settings.ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Open what `encrypt` sealed, with any of the keys. Raises DecryptionError."""
    try:
        return _keyring(tuple(settings.ENCRYPTION_KEYS)).decrypt(token.encode()).decode()
    except InvalidToken:
        raise DecryptionError("No key of ENCRYPTION_KEYS opens this secret.") from None


def is_current(token: str) -> bool:
    """Whether the first key alone opens it, so that the others are not needed for it."""
    try:
        _keyring(tuple(settings.ENCRYPTION_KEYS[:1])).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


@cache
def _keyring(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet(
        [
            Fernet(base64.urlsafe_b64encode(hashlib.sha256(_PURPOSE + key.encode()).digest()))
            for key in keys
        ]
    )
