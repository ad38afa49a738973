"""What all pages for operators have in common."""

from typing import TYPE_CHECKING

from django.http import HttpRequest

from apps.events.types import Actor

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
else:
    from unfold.admin import ModelAdmin  # it has no types


class ForOperators(ModelAdmin):
    """Staff see everything and change nothing, except by an action."""

    list_per_page = 50
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.is_staff

    def has_view_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return self.has_module_permission(request)

    def has_operator_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False


def actor_of(request: HttpRequest) -> Actor:
    """The operator who asks."""
    return Actor(type="user", id=str(request.user.pk))
