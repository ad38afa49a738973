from django.apps import AppConfig

from apps.events import registry


class EventsConfig(AppConfig):
    name = "apps.events"
    verbose_name = "Events"

    def ready(self) -> None:
        registry.discover()
