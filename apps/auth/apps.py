from importlib import import_module

from django.apps import AppConfig

from apps.auth.types import AuthPermission
from veza.kit.permissions import declare


class AuthConfig(AppConfig):
    name = "apps.auth"
    label = "accounts"  # "auth" belongs to django.contrib.auth
    verbose_name = "Accounts"

    def ready(self) -> None:
        declare(AuthPermission)
        import_module("apps.auth.services.own_data").register_parts()
