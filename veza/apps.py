from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig

from veza.kit import collector


class VezaAdminConfig(AdminConfig):
    """Django's admin with our site in it."""

    default_site = "veza.admin.VezaAdminSite"


class VezaConfig(AppConfig):
    """Makes the commands in veza/management known to Django; owns no tables."""

    name = "veza"
    label = "veza"
    verbose_name = "Veza"

    def ready(self) -> None:
        from veza import celery  # noqa: F401, PLC0415 - whoever sends a task sends it through our app
        from veza.health import deployment  # noqa: F401, PLC0415 - registers checks
        from veza.telemetry import startup  # noqa: PLC0415 - it needs the apps to be there

        startup.start()
        collector.begin()  # these are the last of all apps
