"""Who has an account, what stands in the profile, and what the person may be."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F

from apps.auth.errors import LastAdminError, RegistrationError, UserNotFoundError
from apps.auth.events import UserCreated
from apps.auth.models import Role, User, UserRole, in_order
from apps.auth.selectors import find_user_by_login, picture_url
from apps.auth.services import audit
from apps.auth.services.passwords import password_faults
from apps.auth.services.pictures import let_go
from apps.auth.services.sessions import SignIn, open_session, revoke_sessions
from apps.auth.services.updates import publish_updated
from apps.auth.types import (
    REGISTRATION_ROLES,
    STAFF_ROLES,
    AuditAction,
    PictureKind,
    RevokedReason,
    RoleName,
)
from apps.events.services import publish
from apps.events.types import Actor, Subject
from veza.kit.context import Client
from veza.kit.errors import FieldError

PROFILE_FIELDS = frozenset({"display_name", "bio", "avatar_url", "banner_url", "location", "links"})


def register(*, username: str, email: str, password: str, client: Client, now: datetime) -> SignIn:
    """Make an account with the roles of REGISTRATION_ROLES, and open its first session.

    Raises RegistrationError that names every field that is taken or too weak.
    """
    user = User(username=username, email=User.objects.normalize_email(email))
    user.display_name = username
    faults = [*_taken(user), *password_faults(password, user=user)]
    if faults:
        raise RegistrationError(fields=faults)
    user.set_password(password)  # slow, so before the transaction
    try:
        return _register(user, client=client, now=now)
    except IntegrityError:  # someone was faster
        faults = _taken(user)
        if not faults:
            raise
        raise RegistrationError(fields=faults) from None


@transaction.atomic
def _register(user: User, *, client: Client, now: datetime) -> SignIn:
    create_user(user, roles=REGISTRATION_ROLES)
    return open_session(user=user, client=client, now=now)


@transaction.atomic
def create_user(user: User, *, roles: Collection[RoleName]) -> User:
    """Store a new user with these roles. Raises IntegrityError when name or mail is taken."""
    _take_powers(user, roles)
    user.save(force_insert=True)
    UserRole.objects.bulk_create(UserRole(user=user, role_id=role) for role in roles)
    user.roles = in_order(roles)
    actor = Actor(type="user", id=user.id)
    audit.record(AuditAction.USER_REGISTERED, user_id=user.id, actor=actor, roles=list(user.roles))
    publish(
        UserCreated(user_id=user.id, username=user.username),
        subject=Subject(type="user", id=user.id),
        rooms=[f"user:{user.id}"],
        actor=actor,
    )
    return user


def _taken(user: User) -> list[FieldError]:
    faults = []
    if find_user_by_login(user.username):
        faults.append(
            FieldError(field="username", code="username_taken", detail="This user name is taken.")
        )
    if find_user_by_login(user.email):
        faults.append(
            FieldError(
                field="email", code="email_taken", detail="This e-mail address has an account."
            )
        )
    return faults


@transaction.atomic
def update_profile(
    *, user_id: UUID, changes: Mapping[str, object], check: Callable[[User], None] | None = None
) -> User:
    """Change what PROFILE_FIELDS names; anything else in `changes` has no effect.

    `check` sees the locked user first and may raise, so that nobody changes what he has not read.
    Raises UserNotFoundError.
    """
    user = _lock(user_id)
    if check:
        check(user)
    changed = sorted(
        name
        for name, value in changes.items()
        if name in PROFILE_FIELDS and value not in (getattr(user, name), _shown(user, name))
    )
    if changed:
        for name in changed:
            setattr(user, name, changes[name])
        for kind in PictureKind:
            if f"{kind}_url" in changed:
                let_go(user, kind)
        user.save(update_fields=[*changed, "avatar_prefix", "banner_prefix", "updated_at"])
        publish_updated(user, *changed, actor=Actor(type="user", id=user.id))
    return user


def _shown(user: User, name: str) -> object:
    """What a client reads of this field: it may come back with the whole profile, unchanged."""
    kinds = {f"{kind}_url": kind for kind in PictureKind}
    return picture_url(user, kinds[name]) if name in kinds else getattr(user, name)


@transaction.atomic
def set_roles(
    *, user_id: UUID, roles: Collection[RoleName], now: datetime, actor: Actor | None = None
) -> User:
    """Give the user exactly these roles. Losing one ends all his sessions.

    Operators and admins may enter the admin site; admins may do everything there. Raises
    LastAdminError.
    """
    user = _lock(user_id)
    before, after = set(user.roles), set(roles)
    if before == after:
        return user
    if RoleName.ADMIN in before - after:
        keep_an_admin(user)
    user.user_roles.exclude(role_id__in=after).delete()
    UserRole.objects.bulk_create(UserRole(user=user, role_id=role) for role in after - before)
    _take_powers(user, after)
    user.save(update_fields=["is_staff", "is_superuser", "updated_at"])
    user.roles = in_order(after)
    audit.record(
        AuditAction.ROLES_CHANGED,
        user_id=user.id,
        actor=actor,
        now=now,
        given=in_order(after - before),
        taken=in_order(before - after),
    )
    if before - after:
        _sign_out(user, reason=RevokedReason.ROLE_LOST, now=now, actor=actor)
    publish_updated(user, "roles", actor=actor)
    return user


@transaction.atomic
def sign_out_everywhere(
    *, user_id: UUID, reason: RevokedReason, now: datetime, actor: Actor | None = None
) -> int:
    """End every session of the user, those of the admin site too; how many there were."""
    return _sign_out(_lock(user_id), reason=reason, now=now, actor=actor)


@transaction.atomic
def set_active(
    *, user_id: UUID, is_active: bool, now: datetime, actor: Actor | None = None
) -> None:
    """Let the user sign in or not; who may not is signed out. A repeat changes nothing.

    Raises LastAdminError.
    """
    user = _lock(user_id)
    if user.is_active == is_active:
        return
    if user.is_superuser and not is_active:
        keep_an_admin(user)
    user.is_active = is_active
    user.save(update_fields=["is_active", "updated_at"])
    action = AuditAction.USER_ACTIVATED if is_active else AuditAction.USER_DEACTIVATED
    audit.record(action, user_id=user.id, actor=actor, now=now)
    if not is_active:
        _sign_out(user, reason=RevokedReason.DEACTIVATED, now=now, actor=actor)
    publish_updated(user, "is_active", actor=actor)


@transaction.atomic
def keep_an_admin(leaving: User) -> None:
    """For who is about to take an admin away, in the same transaction: two who do wait for each
    other, so that the second sees what the first has done. Raises LastAdminError.
    """
    Role.objects.select_for_update(no_key=True).get(pk=RoleName.ADMIN)
    others = User.objects.exclude(pk=leaving.pk).filter(
        is_superuser=True, is_active=True, erase_at__isnull=True, is_machine=False
    )
    if not others.exists():
        raise LastAdminError


def _lock(user_id: UUID) -> User:
    try:
        return User.objects.select_for_update().get(pk=user_id)
    except User.DoesNotExist:
        raise UserNotFoundError from None


def _take_powers(user: User, roles: Collection[str]) -> None:
    user.is_staff = not STAFF_ROLES.isdisjoint(roles)
    user.is_superuser = RoleName.ADMIN in roles


def _sign_out(user: User, *, reason: RevokedReason, now: datetime, actor: Actor | None) -> int:
    User.objects.filter(pk=user.pk).update(token_version=F("token_version") + 1)
    return revoke_sessions(user_id=user.id, reason=reason, now=now, actor=actor)
