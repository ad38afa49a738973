from importlib import import_module

from django.apps import AppConfig, apps
from django.utils.module_loading import module_has_submodule

from apps.realtime.permissions import RealtimePermission
from veza.kit.permissions import declare


class RealtimeConfig(AppConfig):
    name = "apps.realtime"
    verbose_name = "Realtime"

    def ready(self) -> None:
        declare(RealtimePermission)
        for config in apps.get_app_configs():
            is_ours = config.name.startswith("apps.") and config.name != self.name
            if is_ours and config.module and module_has_submodule(config.module, "realtime"):
                import_module(f"{config.name}.realtime")
