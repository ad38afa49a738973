"""Signed addresses of streams: who has one may listen until it expires, without a token.

Players ask for hundreds of segments and cannot send headers everywhere, so the right to hear
stands in the address, for one track, and is passed on to every address of a playlist.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.core.signing import Signer

from apps.track.errors import LinkInvalidError

LASTS = timedelta(hours=6)
_signer = Signer(salt="apps.track.selectors.links")


def link_query(track_id: UUID, *, now: datetime) -> str:
    """What is put behind the `?` of an address."""
    expires = int((now + LASTS).timestamp())
    return urlencode({"expires": expires, "signature": _signer.signature(_text(track_id, expires))})


def check_link(track_id: UUID, query: Mapping[str, str], *, now: datetime) -> int:
    """How many seconds the link still works. Raises LinkInvalidError."""
    expires, signature = query.get("expires", ""), query.get("signature", "")
    if not (expires.isascii() and expires.isdigit() and len(expires) <= 12):  # noqa: PLR2004
        raise LinkInvalidError
    text = _text(track_id, int(expires))
    if not any(
        hmac.compare_digest(_signer.signature(text, key=key), signature)
        for key in [_signer.key, *_signer.fallback_keys]
    ):
        raise LinkInvalidError
    left_s = int(expires) - int(now.timestamp())
    if left_s <= 0:
        raise LinkInvalidError
    return left_s


def _text(track_id: UUID, expires: int) -> str:
    return f"{track_id}.{expires}"
