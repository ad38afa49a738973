"""Pages for operators: everyone sees what his permissions let him, and changes it by actions."""

from typing import TYPE_CHECKING, ClassVar

from django.http import HttpRequest

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
else:
    from unfold.admin import ModelAdmin  # it has no types


class OperatorPage(ModelAdmin):
    """Shown to who has the permission `see`; nothing is added, changed or deleted here.

    An action names what it needs: `@admin.action(permissions=["redrive"])` has Django ask
    `has_redrive_permission(request)`.
    """

    see: ClassVar[str]
    list_per_page = 50
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.has_perm(self.see))

    def has_view_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False
