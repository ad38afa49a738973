"""The words that may be meant by one that somebody typed."""

from uuid import UUID

from django.db import connection

from apps.track.models import TrackWord
from veza.kit.search import COMPARED, resembling

# Not kept anywhere: a person has few tracks that only he, and who works on them, may come upon.
_OWN = """
SELECT word
  FROM (SELECT DISTINCT unnest(tsvector_to_array(vector)) AS word
          FROM track_track
         WHERE deleted_at IS NULL AND NOT (status = 'ready' AND visibility = 'public')
           AND (owner_id = %(user)s OR id IN (
                 SELECT track_id FROM track_trackcollaborator WHERE user_id = %(user)s))
       ) AS own
 WHERE word %% %(word)s
 ORDER BY similarity(word, %(word)s) DESC, word
 LIMIT %(most)s
"""


def words_like(word: str, *, user_id: UUID | None) -> list[str]:
    """Of public tracks, and of those that this user alone and his collaborators come upon."""
    public = resembling(TrackWord.objects.all(), word)
    if user_id is None:
        return public
    with connection.cursor() as cursor:
        cursor.execute(_OWN, {"user": user_id, "word": word, "most": COMPARED})
        own = [each for (each,) in cursor.fetchall()]
    return list(dict.fromkeys([*public, *own]))
