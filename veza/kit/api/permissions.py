"""Who may call a route: by the name of a permission."""

from functools import cache

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView


@cache
def requires(name: str) -> type[BasePermission]:
    """`permission_classes = (requires("audit.read"),)`: 401 for nobody, 403 without it."""

    class Requires(BasePermission):
        permission = str(name)

        def has_permission(self, request: Request, view: APIView) -> bool:
            user = request.user
            return bool(user and user.is_authenticated and user.has_perm(self.permission))

    return Requires
