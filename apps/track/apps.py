from importlib import import_module

from django.apps import AppConfig


class TrackConfig(AppConfig):
    name = "apps.track"
    verbose_name = "Tracks"

    def ready(self) -> None:
        import_module("apps.track.services.own_data").register_parts()
        import_module("apps.track.services.own_uploads").register_uploads()
