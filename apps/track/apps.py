from importlib import import_module

from django.apps import AppConfig

from apps.track.types import TrackPermission
from veza.kit.permissions import declare


class TrackConfig(AppConfig):
    name = "apps.track"
    verbose_name = "Tracks"

    def ready(self) -> None:
        declare(TrackPermission)
        import_module("apps.track.services.own_data").register_parts()
        import_module("apps.track.services.own_uploads").register_uploads()
