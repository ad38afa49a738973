"""What every table of ours begins with."""

import uuid
from typing import cast

import uuid_utils.compat
from django.db import models


def new_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562): unique, and roughly ordered by the time of its making."""
    return cast(uuid.UUID, uuid_utils.compat.uuid7())


class Entity(models.Model):
    """A row that clients can name."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
