"""Second factors, passkeys, and whether a session has proven itself lately."""

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from apps.auth.models import Passkey, SecondFactor, Session
from apps.auth.rules import is_stepped_up


def find_second_factor(user_id: UUID) -> SecondFactor | None:
    """The authenticator app of the user, once it is confirmed."""
    return SecondFactor.objects.filter(user_id=user_id, confirmed_at__isnull=False).first()


def list_passkeys(user_id: UUID) -> QuerySet[Passkey]:
    """Those of the user, in no order."""
    return Passkey.objects.filter(user_id=user_id)


def is_session_stepped_up(session_id: UUID, *, now: datetime) -> bool:
    """Whether the person has proven to sit there within the last ten minutes."""
    proofs = Session.objects.filter(pk=session_id).values_list("stepped_up_at", flat=True)
    return is_stepped_up(stepped_up_at=proofs.first(), now=now)
