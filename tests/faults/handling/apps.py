from importlib import import_module

from django.apps import AppConfig


class HandlingConfig(AppConfig):
    name = "tests.faults.handling"
    label = "handling"

    def ready(self) -> None:
        import_module("tests.faults.handling.handlers")
