"""Addresses of our own: /files/<key>, for private objects with an expiry and a signature.

The signature is an HMAC-SHA256 by SECRET_KEY over the key, the expiry and the file name.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from veza.integrations.object_storage.keys import check_key
from veza.kit.errors import ForbiddenError

LONGEST = timedelta(days=7)  # S3 signs for no longer either
MAX_FILENAME = 255
_SALT = "veza.integrations.object_storage.links"
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


class LinkInvalidError(ForbiddenError):
    """No signature, or one for something else."""

    code = "link_invalid"
    message = "This link is not valid: ask for a new one."


class LinkExpiredError(ForbiddenError):
    """It was a good link, and its time is over."""

    code = "link_expired"
    message = "This link has expired: ask for a new one."


def public_link(key: str) -> str:
    """The absolute address of a public object."""
    return f"{settings.PUBLIC_URL}/files/{key}"


def signed_link(key: str, *, now: datetime, lifetime_s: int, filename: str = "") -> str:
    """The absolute address of any object. Raises ValueError for a lifetime beyond a week."""
    check_lifetime(lifetime_s)
    expires = str(int(now.timestamp()) + lifetime_s)
    query = {"expires": expires} | ({"filename": filename} if filename else {})
    signature = _signature(settings.SECRET_KEY, check_key(key), expires, filename)
    return f"{settings.PUBLIC_URL}/files/{key}?{urlencode(query | {'signature': signature})}"


def check_lifetime(lifetime_s: int) -> None:
    """Raises ValueError."""
    if not 0 < lifetime_s <= LONGEST.total_seconds():
        raise ValueError("A link lives for a second to a week.")


def check_link(key: str, query: Mapping[str, str], *, now: datetime) -> int:
    """How many seconds the link is still good for.

    Raises LinkInvalidError and LinkExpiredError.
    """
    expires, filename = query.get("expires", ""), query.get("filename", "")
    given = query.get("signature", "")
    if not _SECONDS.fullmatch(expires) or len(filename) > MAX_FILENAME:
        raise LinkInvalidError
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    expected = [_signature(secret, key, expires, filename) for secret in secrets]
    if not any([constant_time_compare(given, each) for each in expected]):  # noqa: C419 - all
        raise LinkInvalidError
    left_s = int(expires) - int(now.timestamp())
    if left_s <= 0:
        raise LinkExpiredError
    return left_s


def _signature(secret: str | bytes, key: str, expires: str, filename: str) -> str:
    value = "\n".join((key, expires, filename))  # the first two hold no line break
    return salted_hmac(_SALT, value, secret=secret, algorithm="sha256").hexdigest()
