"""The words that tracks are found by."""

from django.db import connection

_TIDY = """
WITH used AS MATERIALIZED (
       SELECT word FROM ts_stat($$
         SELECT vector FROM track_track
          WHERE status = 'ready' AND visibility = 'public' AND deleted_at IS NULL
       $$)
     ),
     kept AS (SELECT min(id) AS id FROM track_trackword JOIN used USING (word) GROUP BY word),
     gone AS (DELETE FROM track_trackword WHERE id NOT IN (SELECT id FROM kept))
INSERT INTO track_trackword (word) SELECT word FROM used EXCEPT SELECT word FROM track_trackword
"""


def tidy_words() -> None:
    """Each word that public tracks have stands once, and no other. One that comes back while it
    is being removed is missing until the next time.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TIDY)
