"""What people are written about their accounts.

Called by workers, after the facts: the state is read at the time of writing, and what is no
longer true is not written.
"""

from datetime import datetime
from uuid import UUID

from django.conf import settings

from apps.auth.models import Session, User
from apps.auth.selectors import is_known_device
from apps.auth.selectors.devices import device_of
from apps.auth.services import keys
from veza.integrations import mail
from veza.integrations.places import place_of

CHANGES = {
    "password": "Your password was changed",
    "two_factor": "The second factor of your account was changed",
    "passkeys": "The passkeys of your account were changed",
    "roles": "The roles of your account were changed",
    "erase_at": "The erasure of your account was asked for, or taken back",
    "access_tokens": "An access token was made for your account",
}


def send_verification(*, user_id: UUID, message_id: str) -> None:
    """The key that proves his address, if it is not proven."""
    user = _reader(user_id)
    if user is not None and user.email_verified_at is None:
        link = _link("account/verify-email", key=keys.verification_key(user))
        _send(user, "verify", message_id=message_id, link=link)


def send_password_reset(*, user_id: UUID, message_id: str) -> None:
    """The key with which he chooses a new password."""
    user = _reader(user_id)
    if user is not None:
        link = _link("account/reset-password", key=keys.reset_key(user))
        _send(user, "reset", message_id=message_id, link=link)


def send_new_device(*, session_id: UUID, message_id: str) -> None:
    """That there is a session on a device from which he never signed in; not of his first one."""
    session = Session.objects.select_related("user").filter(pk=session_id).first()
    if session is None or not session.user_agent or is_known_device(session):
        return
    if user := _reader(session.user_id):
        _send(
            user, "new_device", message_id=message_id, time=_time(session.created_at),
            device=device_of(session.user_agent) or session.user_agent[:100],
            place=place_of(session.ip), link=_link("account/reset-password"),
        )  # fmt: skip


def send_session_reused(*, session_id: UUID, message_id: str) -> None:
    """That a session was ended because someone else may have had its token."""
    session = Session.objects.filter(pk=session_id).first()
    if session and (user := _reader(session.user_id)):
        device = device_of(session.user_agent) or session.user_agent[:100] or "an unknown device"
        link = _link("account/reset-password")
        _send(user, "reused", message_id=message_id, device=device, link=link)


def send_changed(*, user_id: UUID, changed: tuple[str, ...], at: datetime, message_id: str) -> None:
    """That what protects his account was changed."""
    user = _reader(user_id)
    for name in changed:
        if user is not None and name in CHANGES:
            _send(
                user, "changed", message_id=f"{message_id}.{name}", time=_time(at),
                what=CHANGES[name], link=_link("account/reset-password"),
            )  # fmt: skip


def _reader(user_id: UUID) -> User | None:
    return User.objects.filter(pk=user_id, is_active=True, is_machine=False).first()


def _send(user: User, template: str, *, message_id: str, **context: object) -> None:
    mail.send(
        to=user.email,
        template=f"accounts/mail/{template}.txt",
        context={"username": user.username, **context},
        message_id=message_id,
    )


def _link(page: str, *, key: str = "") -> str:
    """In the address's fragment no server on the way writes a key down (RFC 3986, 3.5)."""
    return f"{settings.FRONTEND_URL}/{page}" + (f"#key={key}" if key else "")


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
