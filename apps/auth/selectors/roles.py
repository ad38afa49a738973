"""Roles, and what they allow."""

from collections.abc import Iterable
from uuid import UUID

from apps.auth.models import RolePermission, UserRole
from apps.auth.selectors import access_tokens, identities
from apps.auth.types import RoleName
from veza.kit.permissions import declared


def permissions_of(role: str) -> frozenset[str]:
    """What everybody with the role may do; an admin may do all that code asks for."""
    if role == RoleName.ADMIN:
        return frozenset(declared())
    held = RolePermission.objects.filter(role_id=role)
    return frozenset(held.values_list("permission_id", flat=True))


def permissions_by_user(user_ids: Iterable[UUID]) -> dict[UUID, frozenset[str]]:
    """What each of them may do by his roles; who may nothing is left out."""
    held: dict[UUID, set[str]] = {}
    rows = UserRole.objects.filter(user_id__in=list(user_ids)).values_list(
        "user_id", "role__role_permissions__permission_id"
    )
    for user_id, name in rows:
        if name is not None:
            held.setdefault(user_id, set()).add(name)
    return {user_id: frozenset(names) for user_id, names in held.items()}


def count_holders(role: str) -> int:
    """How many have the role."""
    return UserRole.objects.filter(role_id=role).count()


def forget_what_roles_allow() -> None:
    """The next token of anybody is looked up."""
    identities.forget_all()
    access_tokens.forget_all()
