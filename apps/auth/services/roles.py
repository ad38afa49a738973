"""What roles allow."""

from collections.abc import Set as AbstractSet
from datetime import datetime

from django.db import transaction

from apps.auth.errors import AdminNeededError, PermissionUnknownError, RoleFixedError
from apps.auth.events import RolePermissionsChanged
from apps.auth.models import Permission, Role, RolePermission, User
from apps.auth.selectors import forget_what_roles_allow, permissions_of
from apps.auth.services import audit
from apps.auth.types import AuditAction, RoleName
from apps.events.services import publish
from apps.events.types import Actor, Subject
from veza.kit.permissions import declared


@transaction.atomic
def change_permissions(
    *,
    role: RoleName,
    given: AbstractSet[str],
    taken: AbstractSet[str],
    by: User,
    now: datetime,
) -> None:
    """Let everybody with the role do what is given, and no more what is taken.

    Raises AdminNeededError, RoleFixedError, PermissionUnknownError.
    """
    if not by.is_superuser:
        raise AdminNeededError
    if role == RoleName.ADMIN:
        raise RoleFixedError
    if not given <= set(declared()):
        raise PermissionUnknownError
    row = Role.objects.select_for_update(no_key=True).get(pk=role)
    before = permissions_of(role)
    added, removed = sorted(given - before), sorted((taken & before) - given)
    if not added and not removed:
        return
    Permission.objects.bulk_create([Permission(name=name) for name in added], ignore_conflicts=True)
    RolePermission.objects.filter(role=row, permission_id__in=removed).delete()
    RolePermission.objects.bulk_create(
        [RolePermission(role=row, permission_id=name) for name in added]
    )
    transaction.on_commit(forget_what_roles_allow)
    actor = Actor(type="user", id=by.id)
    audit.record(
        AuditAction.ROLE_PERMISSIONS_CHANGED, actor=actor, now=now,
        role=role.value, given=added, taken=removed,
    )  # fmt: skip
    publish(
        RolePermissionsChanged(role=role.value, given=tuple(added), taken=tuple(removed)),
        subject=Subject(type="role", id=role.value),
        actor=actor,
    )
