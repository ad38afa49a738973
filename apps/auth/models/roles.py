"""What people may do."""

from collections.abc import Iterable
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from apps.auth.types import RoleName


class RoleQuerySet(models.QuerySet["Role"]):
    """The vocabulary for finding roles."""

    def with_holders(self) -> Self:
        """With `holders`: how many have the role."""
        held = UserRole.objects.filter(role_id=OuterRef("pk")).order_by().values("role_id")
        count = held.annotate(count=Count("pk")).values("count")
        return self.annotate(holders=Coalesce(Subquery(count), 0))


RoleManager = models.Manager.from_queryset(RoleQuerySet)


class Role(models.Model):
    """A RoleName; permissions hang on it. The rows come with a migration."""

    name = models.CharField(max_length=20, primary_key=True, choices=RoleName.choices)

    holders: int  # where `with_holders` was asked

    objects = RoleManager()

    def __str__(self) -> str:
        return self.name


class Permission(models.Model):
    """The name of what only some may do; apps declare them (veza.kit.permissions)."""

    name = models.CharField(max_length=50, primary_key=True)

    def __str__(self) -> str:
        return self.name


class RolePermission(models.Model):
    """Whoever has the role may do this."""

    role = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="role_permissions")
    permission = models.ForeignKey(Permission, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["role", "permission"], name="role_permission_once")
        ]

    def __str__(self) -> str:
        return f"{self.role_id} {self.permission_id}"


class UserRole(models.Model):
    """A person has a role."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="user_roles"
    )
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "role"], name="user_role_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role_id}"


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Role names from the least power to the most."""
    return tuple(sorted(names, key=RoleName.values.index))
