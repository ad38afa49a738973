"""The audit log: what happened that bears on security, told in the transaction that made it so."""

import logging
import secrets
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.auth import rules
from apps.auth.models import AuditCheck, AuditEntry, AuditOrigin
from apps.auth.selectors.audit import ChainFault, Seal, check_audit_chain, last_whole_seal
from apps.auth.types import AuditAction
from apps.events.types import Actor
from veza.kit.context import current_client, current_request_id

logger = logging.getLogger(__name__)


@transaction.atomic
def record(
    action: AuditAction,
    *,
    user_id: UUID | None = None,
    actor: Actor | None = None,
    now: datetime | None = None,
    **details: object,
) -> None:
    """Write one entry, in the caller's transaction where there is one.

    `user_id` is whose account it is about; `actor` who did it, None when nobody was signed in.
    The client and the request are those that this code serves. `details` go into JSON as they
    are, and stay for ever: no secret and nothing personal ever stands there.
    """
    client = current_client()
    salt, user_agent = secrets.token_hex(16), client.user_agent[:400]
    entry = AuditEntry.objects.create(
        at=now or timezone.now(),
        action=action,
        actor_type=actor.type if actor else "",
        actor_id=str(actor.id) if actor else "",
        user_id=user_id,
        request_id=current_request_id(),
        details=details,
        origin_hash=rules.origin_hash(salt=salt, ip=client.address, user_agent=user_agent),
    )
    AuditOrigin.objects.create(
        entry=entry, ip=client.address or None, user_agent=user_agent, salt=salt
    )


def forget_origins(*, user_id: UUID) -> int:
    """Erase from where a user acted; the entries stay, and verify. How many there were."""
    entries = AuditEntry.objects.filter(user_id=user_id).values("pk")
    return AuditOrigin.objects.filter(entry__in=entries).delete()[0]


def check_chain(*, now: datetime) -> AuditCheck:
    """Verify the whole log, against the head of the last time too, and write down what was found.

    The head goes into the log of the process: kept elsewhere, it proves what stood here.
    """
    head, fault = Seal(position=0, hash=""), ""
    for found in check_audit_chain(expect=last_whole_seal()):
        if isinstance(found, ChainFault):
            fault = f"position {found.position}: {found.reason}"
        else:
            head = found
    if fault:
        logger.error("audit_broken head=%s fault=%s", head, fault)
    else:
        logger.info("audit_whole head=%s", head)
    return AuditCheck.objects.create(at=now, position=head.position, hash=head.hash, fault=fault)
