from django.apps import AppConfig


class AuthConfig(AppConfig):
    name = "apps.auth"
    label = "accounts"  # "auth" belongs to django.contrib.auth
    verbose_name = "Accounts"
