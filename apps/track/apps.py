from django.apps import AppConfig


class TrackConfig(AppConfig):
    name = "apps.track"
    verbose_name = "Tracks"
