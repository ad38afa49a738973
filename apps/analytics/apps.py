from importlib import import_module

from django.apps import AppConfig

from apps.analytics.types import AnalyticsPermission
from veza.kit.permissions import declare


class AnalyticsConfig(AppConfig):
    name = "apps.analytics"
    verbose_name = "Analytics"

    def ready(self) -> None:
        declare(AnalyticsPermission)
        import_module("apps.analytics.services.own_data").register_parts()
        counting = import_module("apps.analytics.services.counting")
        counters = import_module("apps.track.services.counters")
        counters.register_count("play_count", counting.plays_of)
