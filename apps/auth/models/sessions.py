"""Sessions, and the refresh tokens of those."""

from typing import Self
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Exists, OuterRef, Q

from apps.auth.models.factors import SecondFactor
from apps.auth.models.people import User
from apps.auth.models.roles import RolePermission, UserRole
from apps.auth.types import RevokedReason
from veza.kit.models import Entity, new_id


class SessionQuerySet(models.QuerySet["Session"]):
    """The vocabulary for finding sessions."""

    def unrevoked(self) -> Self:
        return self.filter(revoked_at__isnull=True)

    def of_user(self, user_id: UUID) -> Self:
        return self.filter(user_id=user_id)

    def with_user(self) -> Self:
        """With the user, `role_names`, `permission_names` and `has_second_factor` in the same
        statement. The password is read when it is asked for, so that it is the present one.
        """
        roles = UserRole.objects.filter(user_id=OuterRef("user_id")).values("role_id")
        theirs = UserRole.objects.filter(user_id=OuterRef(OuterRef("user_id")))
        held = RolePermission.objects.filter(role__in=theirs.values("role_id"))
        factors = SecondFactor.objects.filter(
            user_id=OuterRef("user_id"), confirmed_at__isnull=False
        )
        return (
            self.select_related("user")
            .defer("user__password")
            .annotate(
                role_names=ArraySubquery(roles),
                permission_names=ArraySubquery(held.values("permission_id").distinct()),
                has_second_factor=Exists(factors),
            )
        )


SessionManager = models.Manager.from_queryset(SessionQuerySet)


class Session(Entity):
    """One client of one person, from sign-in to its end: the family of its refresh tokens."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    user_agent = models.CharField(max_length=400, blank=True)
    ip = models.GenericIPAddressField(null=True, blank=True)
    last_used_at = models.DateTimeField(help_text="When tokens were last made for it")
    expires_at = models.DateTimeField(db_index=True)
    stepped_up_at = models.DateTimeField(
        null=True, blank=True, help_text="When the person last proved to be there"
    )
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = models.CharField(max_length=30, blank=True, choices=RevokedReason.choices)

    role_names: list[str]  # of the user, where `with_user` was asked; the next two too
    permission_names: list[str]
    has_second_factor: bool

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
