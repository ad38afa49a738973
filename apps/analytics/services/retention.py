"""Events live for LISTENING_RETENTION_S; what was counted of them stays."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from veza.kit.models import first_id_of

AT_ONCE = 5_000
# Events may tell of the last 30 days, and what they are added to has to be there still.
LEAST = timedelta(days=32)
# The id is a UUIDv7: the rows of a time are next to each other in the index of the key.
_TRIM = """
DELETE FROM analytics_listeningevent WHERE id = ANY(ARRAY(
  SELECT id FROM analytics_listeningevent WHERE id < %s ORDER BY id LIMIT %s))
"""


def kept_since(*, now: datetime) -> datetime:
    """All events that came since then are there."""
    return now - max(LEAST, timedelta(seconds=settings.LISTENING_RETENTION_S))


def trim_events(*, now: datetime) -> int:
    """Remove events that came too long ago, in short transactions; how many there were."""
    cutoff = first_id_of(kept_since(now=now))
    trimmed = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_TRIM, [cutoff, AT_ONCE])
            gone: int = cursor.rowcount
        trimmed += gone
        if gone < AT_ONCE:
            return trimmed
