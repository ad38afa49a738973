"""By what a person proves more than knowing a password."""

from django.db import models

from apps.auth.models.people import User
from apps.auth.types import Ceremony
from veza.kit.models import Entity, new_id
from veza.kit.sealed import SealedTextField


class SecondFactor(Entity):
    """An authenticator app (TOTP, RFC 6238). It counts from `confirmed_at` on."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor")
    secret = SealedTextField(help_text="Sealed by veza.kit.crypto")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    last_step = models.BigIntegerField(
        default=-1, help_text="The time step of the newest accepted code: older ones are used up"
    )
    failures = models.PositiveIntegerField(default=0, help_text="Wrong codes in a row")
    locked_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return str(self.user_id)


class RecoveryCode(models.Model):
    """A code for who has lost the app. Eighty random bits, so a plain SHA-256 hides it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    code_hash = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "code_hash"], name="recovery_code_once")
        ]

    def __str__(self) -> str:
        return str(self.id)


class Passkey(Entity):
    """The public half of a WebAuthn credential."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    credential_id = models.CharField(max_length=1400, unique=True, help_text="base64url")
    public_key = models.BinaryField(help_text="COSE")
    sign_count = models.BigIntegerField(help_text="As the authenticator last counted")
    transports = models.JSONField(default=list, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class PasskeyChallenge(models.Model):
    """A challenge that was given out. Its row goes when an answer comes, right or wrong."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    ceremony = models.CharField(max_length=20, choices=Ceremony.choices)
    challenge = models.CharField(max_length=100, unique=True, help_text="base64url")
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.ceremony} {self.id}"
