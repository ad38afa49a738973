from django.apps import AppConfig

from apps.events import registry
from apps.events.types import EventsPermission
from veza.kit.permissions import declare


class EventsConfig(AppConfig):
    name = "apps.events"
    verbose_name = "Events"

    def ready(self) -> None:
        declare(EventsPermission)
        registry.discover()
