from django.apps import AppConfig

from apps.events.capture.tables import capture_table

SNAPSHOT = """
SELECT r.* FROM datastream_game g
 CROSS JOIN LATERAL (
       SELECT * FROM datastream_round WHERE game_id = g.id
        ORDER BY finished_at DESC, id DESC LIMIT 1001
       ) AS r
 ORDER BY r.finished_at, r.id
"""
"""What a projection keeps: the newest of each game, and with them those of each type."""


class DataStreamConfig(AppConfig):
    name = "apps.datastream"
    verbose_name = "Data stream"

    def ready(self) -> None:
        capture_table("datastream_round", key=("id",), snapshot=SNAPSHOT)
