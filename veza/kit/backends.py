"""Ports are resolved the way Django resolves its own: a dotted path in settings."""

from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string


@cache
def backend(setting: str) -> Any:
    """The one instance of the class that `settings.<setting>` names."""
    return import_string(getattr(settings, setting))()


def _forget(*, setting: str, **_: object) -> None:
    if setting.endswith("_BACKEND"):
        backend.cache_clear()


setting_changed.connect(_forget)  # sent by tests' override_settings alone
