"""The audit log: what happened that bears on security, told in the transaction that made it so."""

from datetime import datetime
from uuid import UUID

from django.utils import timezone

from apps.auth.models import AuditEntry
from apps.auth.types import AuditAction
from apps.events.types import Actor
from veza.kit.context import current_client, current_request_id


def record(
    action: AuditAction,
    *,
    user_id: UUID | None = None,
    actor: Actor | None = None,
    now: datetime | None = None,
    **details: object,
) -> None:
    """Write one entry in the caller's transaction.

    `user_id` is whose account it is about; `actor` who did it, None when nobody was signed in.
    The client and the request are those that this code serves. `details` go into JSON as they
    are: no secret, no token, no password ever stands there.
    """
    client = current_client()
    AuditEntry.objects.create(
        at=now or timezone.now(),
        action=action,
        actor_type=actor.type if actor else "",
        actor_id=str(actor.id) if actor else "",
        user_id=user_id,
        ip=client.address or None,
        user_agent=client.user_agent[:400],
        request_id=current_request_id(),
        details=details,
    )
