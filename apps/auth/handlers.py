"""What follows from facts: people are written to."""

from functools import partial

from django.db import transaction

from apps.auth.events import (
    AccessTokenCreated,
    ExportRequested,
    PasswordResetRequested,
    SessionCreated,
    SessionRevoked,
    UserCreated,
    UserUpdated,
    VerificationRequested,
)
from apps.auth.services import mails
from apps.auth.tasks import build_export
from apps.auth.types import RevokedReason
from apps.events.registry import handles
from apps.events.types import Envelope


@handles(UserCreated, VerificationRequested)
def send_verification(fact: UserCreated | VerificationRequested, envelope: Envelope) -> None:
    """The mail by which an address is verified."""
    mails.send_verification(user_id=fact.user_id, message_id=str(envelope.id))


@handles(PasswordResetRequested)
def send_password_reset(fact: PasswordResetRequested, envelope: Envelope) -> None:
    """The mail with which a new password is chosen."""
    mails.send_password_reset(user_id=fact.user_id, message_id=str(envelope.id))


@handles(SessionCreated)
def send_new_device(fact: SessionCreated, envelope: Envelope) -> None:
    """A sign-in from a new device is told."""
    mails.send_new_device(session_id=fact.session_id, message_id=str(envelope.id))


@handles(SessionRevoked)
def send_session_reused(fact: SessionRevoked, envelope: Envelope) -> None:
    """A token that was used twice is told."""
    if fact.reason == RevokedReason.REFRESH_REUSED:
        mails.send_session_reused(session_id=fact.session_id, message_id=str(envelope.id))


@handles(ExportRequested)
def make_export(fact: ExportRequested) -> None:
    """In a task of its own, whose progress is seen; `resume_exports` begins it again if need be."""
    begin = partial(build_export.delay, user_id=str(fact.user_id))
    transaction.on_commit(begin, robust=True)


@handles(AccessTokenCreated)
def send_token_created(fact: AccessTokenCreated, envelope: Envelope) -> None:
    """A new way into the account is told."""
    mails.send_changed(
        user_id=fact.user_id,
        changed=("access_tokens",),
        at=envelope.time,
        message_id=str(envelope.id),
    )


@handles(UserUpdated)
def send_changed(fact: UserUpdated, envelope: Envelope) -> None:
    """A change of what protects the account is told."""
    mails.send_changed(
        user_id=fact.user_id,
        changed=fact.changed,
        at=envelope.time,
        message_id=str(envelope.id),
    )
