from django.apps import AppConfig


class VezaConfig(AppConfig):
    """Makes the commands in veza/management known to Django; owns no tables."""

    name = "veza"
    label = "veza"
    verbose_name = "Veza"
