"""People."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

from apps.auth.models.roles import RolePermission, UserRole, in_order
from apps.auth.types import RoleName
from veza.kit.models import Entity
from veza.kit.search import CONFIG, Folded, Joined

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
    avatar_prefix = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text="Where the uploaded picture lies; avatar_url is then its address as of that time",
    )
    banner_prefix = models.CharField(max_length=100, blank=True, default="", db_default="")
    location = models.CharField(max_length=100, blank=True)
    links = models.JSONField(default=list, blank=True)
    token_version = models.PositiveIntegerField(
        default=1, help_text="Tokens that were made under another number are refused"
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    erase_at = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text="He has asked for it; signing in cancels"
    )
    erased_at = models.DateTimeField(null=True, blank=True)
    is_machine = models.BooleanField(
        default=False, help_text="A program: it has access tokens, no password and no mail"
    )
    words = models.GeneratedField(
        expression=Folded(Joined("username", "display_name")),
        output_field=models.TextField(),
        db_persist=True,
    )

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
        indexes = [GinIndex(SearchVector("words", config=CONFIG), name="user_search")]

    def __str__(self) -> str:
        return self.username

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """From the least power to the most; one query, unless who loaded the user knew them."""
        return in_order(row.role_id for row in self.user_roles.all())

    @cached_property
    def permissions(self) -> frozenset[str]:
        """What the roles allow; one query, unless who loaded the user knew them."""
        held = RolePermission.objects.filter(role__in=self.roles)
        return frozenset(held.values_list("permission_id", flat=True))

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Whether a role allows it; admins may everything, and who is not active nothing."""
        return self.is_active and (self.is_superuser or perm in self.permissions)

    def get_all_permissions(self, obj: Any = None) -> set[str]:
        """What `has_perm` is true for, for who is no admin."""
        return set(self.permissions) if self.is_active else set()

    def has_module_perms(self, app_label: str) -> bool:
        """Django's own pages are for admins; ours ask for a permission."""
        return self.is_active and self.is_superuser

    @cached_property
    def has_second_factor(self) -> bool:
        """Whether a code is asked for, too; one query, unless who loaded the user knew."""
        factor = getattr(self, "second_factor", None)
        return factor is not None and factor.confirmed_at is not None

    def get_session_auth_hash(self) -> str:
        """Ends the admin's cookie sessions, too, when the tokens of the user are revoked."""
        return self._auth_hash(None)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        return (self._auth_hash(secret) for secret in settings.SECRET_KEY_FALLBACKS)

    def _auth_hash(self, secret: str | bytes | None) -> str:
        value = f"{self.password}:{self.token_version}"
        salt = "apps.auth.models.User.get_session_auth_hash"
        return salted_hmac(salt, value, secret=secret, algorithm="sha256").hexdigest()
