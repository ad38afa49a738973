from django.apps import AppConfig


class KitConfig(AppConfig):
    name = "veza.kit"
    label = "kit"
    verbose_name = "Platform"
