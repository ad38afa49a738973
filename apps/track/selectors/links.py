"""Signed addresses of streams: who has one may listen until it expires, without a token.

Players ask for hundreds of segments and cannot send headers everywhere, so the right to hear
stands in the address, for one track, and is passed on to every address of a playlist. `part` says
that it is the right to hear the preview alone.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.core.signing import Signer

from apps.track.errors import LinkInvalidError

LASTS = timedelta(hours=6)
PREVIEW = "preview"
_signer = Signer(salt="apps.track.selectors.links")


class Right(NamedTuple):
    """For how many seconds more a link works, and whether for the preview alone."""

    left_s: int
    is_preview: bool


def link_query(track_id: UUID, *, now: datetime, is_preview: bool = False) -> str:
    """What is put behind the `?` of an address."""
    expires, part = int((now + LASTS).timestamp()), PREVIEW if is_preview else ""
    told = {"expires": expires, "part": part} if part else {"expires": expires}
    return urlencode({**told, "signature": _signer.signature(_text(track_id, expires, part))})


def check_link(track_id: UUID, query: Mapping[str, str], *, now: datetime) -> Right:
    """Raises LinkInvalidError."""
    expires, signature = query.get("expires", ""), query.get("signature", "")
    part = query.get("part", "")
    if not (expires.isascii() and expires.isdigit() and len(expires) <= 12):  # noqa: PLR2004
        raise LinkInvalidError
    text = _text(track_id, int(expires), part)
    if not any(
        hmac.compare_digest(_signer.signature(text, key=key), signature)
        for key in [_signer.key, *_signer.fallback_keys]
    ):
        raise LinkInvalidError
    left_s = int(expires) - int(now.timestamp())
    if left_s <= 0:
        raise LinkInvalidError
    return Right(left_s, is_preview=part == PREVIEW)


def _text(track_id: UUID, expires: int, part: str) -> str:
    return f"{track_id}.{expires}.{part}" if part else f"{track_id}.{expires}"
