"""Signing in at OpenID providers."""

from django.db import models

from apps.auth.models.people import User
from veza.kit.models import Entity, new_id
from veza.kit.sealed import SealedTextField


class SocialIdentity(Entity):
    """Who a person is at a provider: `issuer` and `subject` together, and nothing else, say it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    email = models.CharField(
        max_length=255, blank=True, help_text="As it was told when linked, to know the login again"
    )
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "linked login"
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="social_identity_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.issuer}"


class SocialAttempt(models.Model):
    """A browser that was sent to a provider. The row goes when the sign-in is done or refused.

    State and secret stand here as SHA-256: who reads the table can finish nothing.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    provider = models.CharField(max_length=32)
    state_hash = models.CharField(max_length=64, unique=True)
    secret_hash = models.CharField(max_length=64)
    nonce = models.CharField(max_length=64)
    verifier = SealedTextField(help_text="Of PKCE; sealed by veza.kit.crypto")
    redirect_uri = models.TextField()
    user = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who links a login to his account; empty: somebody signs in",
    )
    session_id = models.UUIDField(null=True, blank=True, help_text="In which he began")
    code_hash = models.CharField(
        max_length=64, blank=True, help_text="Of the code that was redeemed: there is one only"
    )
    identity = models.ForeignKey(
        SocialIdentity,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who it was, while the code of a second factor is waited for",
    )
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.provider} {self.id}"
