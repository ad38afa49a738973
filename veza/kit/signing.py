"""Calls between servers: signed with a shared secret, and each taken once (contract, section 9).

    X-Veza-Signature: t=<unix seconds>,n=<nonce>,v1=<hex HMAC-SHA256 of t.n.METHOD.path?query.body>

The first secret of INTERNAL_API_SECRET signs, the others still check, so that secrets can be
changed without a gap. Nonces stand in PostgreSQL: a replay is refused whatever else is away.
"""

import hashlib
import hmac
import re
import secrets as random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from veza.kit.errors import UnauthenticatedError
from veza.kit.models import UsedNonce

HEADER = "X-Veza-Signature"
SCHEME = "Veza-Signature"
TOLERANCE_S = 300
KEPT = timedelta(seconds=2 * TOLERANCE_S)
_FORM = re.compile(r"t=([0-9]{1,12}),n=([A-Za-z0-9_-]{16,64}),v1=([0-9a-f]{64})")


class SignatureInvalidError(UnauthenticatedError):
    """No signature, a malformed one, or one for another call."""

    code = "signature_invalid"
    scheme = SCHEME
    message = f"The call needs a valid {HEADER}."


class SignatureExpiredError(UnauthenticatedError):
    """It was made too long ago, or is from the future."""

    code = "signature_expired"
    scheme = SCHEME
    message = f"The time of the signature is more than {TOLERANCE_S} seconds away from ours."


class SignatureReplayedError(UnauthenticatedError):
    """A call with this nonce was taken before."""

    code = "signature_replayed"
    scheme = SCHEME
    message = "This nonce was used before; sign the call again with a new one."


@dataclass(frozen=True, kw_only=True)
class Call:
    """What is signed. `target` is the path with its query, as it stands in the request line."""

    method: str
    target: str
    body: bytes


def sign(call: Call, *, secret: str, now: datetime, nonce: str | None = None) -> str:
    """The value of the header; `nonce` is random unless it is given."""
    seconds, nonce = int(now.timestamp()), nonce or random.token_urlsafe(16)
    return f"t={seconds},n={nonce},v1={_digest(call, secret=secret, at=str(seconds), nonce=nonce)}"


def check(header: str, call: Call, *, secrets: Sequence[str], now: datetime) -> None:
    """Take the call, once.

    Raises SignatureInvalidError, SignatureExpiredError, SignatureReplayedError; a call that was
    refused has not used its nonce.
    """
    match = _FORM.fullmatch(header)
    if match is None:
        raise SignatureInvalidError
    at, nonce, given = match.groups()
    expected = [_digest(call, secret=secret, at=at, nonce=nonce) for secret in secrets]
    if not any(hmac.compare_digest(given, each) for each in expected):
        raise SignatureInvalidError
    if abs(now.timestamp() - int(at)) > TOLERANCE_S:
        raise SignatureExpiredError
    if not _claim(nonce, now=now):
        raise SignatureReplayedError


def purge_nonces(*, now: datetime) -> int:
    """Forget nonces of calls that would be refused by their time; returns how many."""
    return UsedNonce.objects.filter(used_at__lt=now - KEPT).delete()[0]


def _digest(call: Call, *, secret: str, at: str, nonce: str) -> str:
    head = f"{at}.{nonce}.{call.method}.{call.target}.".encode()
    return hmac.new(secret.encode(), head + call.body, hashlib.sha256).hexdigest()


def _claim(nonce: str, *, now: datetime) -> bool:
    """Of parallel calls with one nonce, the first alone."""
    row = UsedNonce(nonce=nonce, used_at=now)
    UsedNonce.objects.bulk_create([row], ignore_conflicts=True)
    return UsedNonce.objects.filter(nonce=nonce, claim=row.claim).exists()
