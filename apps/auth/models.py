"""Tables of people, their roles, their sessions, and the refresh tokens of those."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Self
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.expressions import ArraySubquery
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import OuterRef, Q, Value
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

from apps.auth.types import RevokedReason, RoleName
from veza.kit.models import Entity, new_id

USERNAME_FORM = r"^[A-Za-z0-9_.-]{3,50}\Z"  # in Python as in PostgreSQL
USERNAME_HINT = "Use 3 to 50 of the characters A-Z a-z 0-9 _ . -"


class UserManager(BaseUserManager["User"]):
    """How people are found, and what Django's own tools expect of their table."""

    def known_as(self, login: str) -> "models.QuerySet[User]":
        """The one person with this e-mail address or user name, without regard to case."""
        field = "email" if "@" in login else "username"  # no user name holds an @
        return self.alias(login=Lower(field)).filter(login=Lower(Value(login)))

    def get_by_natural_key(self, username: str | None) -> "User":
        """For the admin's sign-in, which takes an e-mail address or a user name too."""
        return self.known_as(username or "").get()

    def create_superuser(
        self, username: str, email: str, password: str | None = None, **fields: Any
    ) -> "User":
        """For `manage.py createsuperuser`: an admin. Raises Django's ValidationError."""
        user = self.model(
            username=username,
            email=self.normalize_email(email),
            display_name=username,
            is_staff=True,
            is_superuser=True,
            **fields,
        )
        user.full_clean(exclude=["password"])
        user.set_password(password)
        user.save(using=self._db)
        UserRole.objects.create(user=user, role_id=RoleName.ADMIN)
        return user


class User(Entity, AbstractBaseUser, PermissionsMixin):
    """A person. `is_staff` and `is_superuser` follow from the roles (`services.set_roles`)."""

    username = models.CharField(
        max_length=50,
        validators=[RegexValidator(USERNAME_FORM, USERNAME_HINT)],
    )
    email = models.EmailField(max_length=255)
    email_verified_at = models.DateTimeField(null=True, blank=True)
    display_name = models.CharField(max_length=100, blank=True)
    bio = models.TextField(max_length=2000, blank=True)
    avatar_url = models.CharField(max_length=500, blank=True)
    banner_url = models.CharField(max_length=500, blank=True)
    location = models.CharField(max_length=100, blank=True)
    links = models.JSONField(default=list, blank=True)
    token_version = models.PositiveIntegerField(
        default=1, help_text="Tokens that were made under another number are refused"
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email"]

    objects = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("username"),
                name="user_username_unique",
                violation_error_message="This user name is taken.",
            ),
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_unique",
                violation_error_message="This e-mail address has an account.",
            ),
            models.CheckConstraint(
                name="user_username_form", condition=Q(username__regex=USERNAME_FORM)
            ),
        ]

    def __str__(self) -> str:
        return self.username

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """From the least power to the most; one query, unless who loaded the user knew them."""
        return in_order(row.role_id for row in self.user_roles.all())

    def get_session_auth_hash(self) -> str:
        """Ends the admin's cookie sessions, too, when the tokens of the user are revoked."""
        return self._auth_hash(None)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        return (self._auth_hash(secret) for secret in settings.SECRET_KEY_FALLBACKS)

    def _auth_hash(self, secret: str | bytes | None) -> str:
        value = f"{self.password}:{self.token_version}"
        salt = "apps.auth.models.User.get_session_auth_hash"
        return salted_hmac(salt, value, secret=secret, algorithm="sha256").hexdigest()


class Role(models.Model):
    """A RoleName; permissions will hang on it. The rows come with a migration."""

    name = models.CharField(max_length=20, primary_key=True, choices=RoleName.choices)

    def __str__(self) -> str:
        return self.name


class UserRole(models.Model):
    """A person has a role."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="user_roles")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "role"], name="user_role_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role_id}"


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Role names from the least power to the most."""
    return tuple(sorted(names, key=RoleName.values.index))


class SessionQuerySet(models.QuerySet["Session"]):
    """The vocabulary for finding sessions."""

    def unrevoked(self) -> Self:
        return self.filter(revoked_at__isnull=True)

    def of_user(self, user_id: UUID) -> Self:
        return self.filter(user_id=user_id)

    def with_user(self) -> Self:
        """With the user and `role_names` in the same statement."""
        roles = UserRole.objects.filter(user_id=OuterRef("user_id")).values("role_id")
        return self.select_related("user").annotate(role_names=ArraySubquery(roles))


SessionManager = models.Manager.from_queryset(SessionQuerySet)


class Session(Entity):
    """One client of one person, from sign-in to its end: the family of its refresh tokens."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    user_agent = models.CharField(max_length=400, blank=True)
    ip = models.GenericIPAddressField(null=True, blank=True)
    last_used_at = models.DateTimeField(help_text="When tokens were last made for it")
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = models.CharField(max_length=30, blank=True, choices=RevokedReason.choices)

    role_names: list[str]  # of the user, where `with_user` was asked

    objects = SessionManager()

    class Meta:
        indexes = [models.Index(fields=["user", "-last_used_at"], name="session_by_user")]
        constraints = [
            models.CheckConstraint(
                name="session_revoked_has_reason",
                condition=Q(revoked_at__isnull=True, revoked_reason="")
                | (Q(revoked_at__isnull=False) & ~Q(revoked_reason="")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.user_agent[:40]}"


class RefreshToken(models.Model):
    """What is known of a refresh token. The token itself is not kept: it can be made again
    from this row, and only by who holds the signing key.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="+")
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    used_by = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the User-Agent")
    successor_id = models.UUIDField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="refresh_token_used_has_successor",
                condition=Q(used_at__isnull=True, successor_id__isnull=True)
                | Q(used_at__isnull=False, successor_id__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return str(self.id)
