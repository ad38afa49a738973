"""What every table of ours begins with."""

import uuid
from datetime import datetime

import uuid_utils.compat
from django.db import models

from veza.kit.sealed import SealedTextField


def new_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562): unique, and roughly ordered by the time of its making."""
    return uuid_utils.compat.uuid7()


def first_id_of(moment: datetime) -> uuid.UUID:
    """Below every UUIDv7 that was made at this moment or later, and above those from before."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


class Entity(models.Model):
    """A row that clients can name."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class IdempotencyKey(models.Model):
    """The first answer to a request that its sender may repeat; kept for 24 hours.

    `scope` is the user or address whose key it is; `answer` is sealed, it may hold tokens.
    """

    scope = models.CharField(max_length=80)
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    answer = SealedTextField()
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "key"], name="idempotency_key_of_scope")
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"


class UsedNonce(models.Model):
    """The nonce of a signed call that was taken; `claim` tells which of parallel calls it was."""

    nonce = models.CharField(max_length=64, primary_key=True)
    claim = models.UUIDField(default=new_id)
    used_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.nonce


class PeriodicRun(models.Model):
    """When a periodic task was last sent, by the clock of the database."""

    name = models.CharField(max_length=200, primary_key=True)
    ran_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
