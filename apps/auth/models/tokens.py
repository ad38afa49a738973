"""Tokens for programs."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.auth.models.people import User
from apps.auth.types import Scope
from veza.kit.models import Entity


class AccessToken(Entity):
    """A personal access token: acts for its user within its scopes. It is kept as a hash alone,
    which is enough for 256 random bits.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token")
    scopes = ArrayField(models.CharField(max_length=30, choices=Scope.choices))
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="To the minute")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["user", "-created_at"], name="access_token_by_user")]

    def __str__(self) -> str:
        return self.name
