"""Passkeys (WebAuthn level 3): registering, signing in without a password, removing.

The authenticator must have verified its user (PIN, finger, face), so that one is two factors.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    options_to_json_dict,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from apps.auth import selectors
from apps.auth.errors import (
    PasskeyExistsError,
    PasskeyInvalidError,
    PasskeyLimitError,
    PasskeyNotFoundError,
    PasskeyRefusedError,
)
from apps.auth.models import Passkey, PasskeyChallenge, User
from apps.auth.services import audit
from apps.auth.services.factor_changes import factors_changed
from apps.auth.services.sessions import SignIn, open_session
from apps.auth.services.ways_in import require_way_to_sign_in
from apps.auth.types import AuditAction, Ceremony
from apps.events.types import Actor
from veza.kit.context import Client

RP_NAME = "Veza"
MAX_PASSKEYS = 20
MAX_ID_BYTES = 1023  # WebAuthn level 3, section 4
CHALLENGE_LASTS = timedelta(minutes=5)
_TIMEOUT_MS = int(CHALLENGE_LASTS.total_seconds() * 1000)


def registration_options(*, user: User, now: datetime) -> dict[str, object]:
    """For `navigator.credentials.create`, as JSON. Raises PasskeyLimitError."""
    known = list(selectors.list_passkeys(user.id))
    if len(known) >= MAX_PASSKEYS:
        raise PasskeyLimitError
    options = generate_registration_options(
        rp_id=settings.PASSKEY_DOMAIN,
        rp_name=RP_NAME,
        user_id=user.id.bytes,
        user_name=user.username,
        user_display_name=user.display_name or user.username,
        timeout=_TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(passkey.credential_id))
            for passkey in known
        ],
    )
    _keep(options.challenge, ceremony=Ceremony.REGISTER, user=user, now=now)
    return options_to_json_dict(options)


def sign_in_options(*, now: datetime) -> dict[str, object]:
    """For `navigator.credentials.get`, as JSON: the authenticator knows whose keys it holds."""
    options = generate_authentication_options(
        rp_id=settings.PASSKEY_DOMAIN,
        timeout=_TIMEOUT_MS,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    _keep(options.challenge, ceremony=Ceremony.SIGN_IN, user=None, now=now)
    return options_to_json_dict(options)


def register(
    *, user: User, session_id: UUID, credential: dict[str, object], name: str, now: datetime
) -> Passkey:
    """Keep the public key of what the authenticator made; all other sessions end.

    Raises PasskeyRefusedError, PasskeyExistsError, PasskeyLimitError.
    """
    try:
        answer = parse_registration_credential_json(credential)
        challenge = parse_client_data_json(answer.response.client_data_json).challenge
    except Exception as fault:  # bytes of a stranger: the library's readers fail in many ways
        raise PasskeyRefusedError from fault
    if not _take(challenge, ceremony=Ceremony.REGISTER, user=user, now=now):
        raise PasskeyRefusedError
    passkey = _read_passkey(answer, challenge=challenge, user=user, name=name)
    try:
        _store(passkey, user=user, session_id=session_id, now=now)
    except IntegrityError:
        raise PasskeyExistsError from None
    return passkey


def _read_passkey(
    answer: RegistrationCredential, *, challenge: bytes, user: User, name: str
) -> Passkey:
    try:
        verified = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=settings.PASSKEY_DOMAIN,
            expected_origin=list(settings.PASSKEY_ORIGINS),
            require_user_verification=True,
        )
    except Exception as fault:  # as above
        raise PasskeyRefusedError from fault
    if len(verified.credential_id) > MAX_ID_BYTES:
        raise PasskeyRefusedError
    return Passkey(
        user=user,
        name=name,
        credential_id=bytes_to_base64url(verified.credential_id),
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        transports=[each.value for each in answer.response.transports or ()],
    )


@transaction.atomic
def _store(passkey: Passkey, *, user: User, session_id: UUID, now: datetime) -> None:
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if selectors.list_passkeys(user.id).count() >= MAX_PASSKEYS:
        raise PasskeyLimitError
    passkey.save(force_insert=True)
    _tell(AuditAction.PASSKEY_ADDED, passkey, user=user, session_id=session_id, now=now)


@transaction.atomic
def remove(*, user: User, session_id: UUID, passkey_id: UUID, now: datetime) -> None:
    """The passkey works no more; all other sessions end.

    Raises PasskeyNotFoundError, LastCredentialError.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    passkey = selectors.list_passkeys(user.id).select_for_update().filter(pk=passkey_id).first()
    if passkey is None:
        raise PasskeyNotFoundError
    _tell(AuditAction.PASSKEY_REMOVED, passkey, user=user, session_id=session_id, now=now)
    passkey.delete()
    require_way_to_sign_in(user)


def _tell(
    action: AuditAction, passkey: Passkey, *, user: User, session_id: UUID, now: datetime
) -> None:
    actor = Actor(type="user", id=user.id)
    audit.record(action, user_id=user.id, actor=actor, now=now, passkey_id=str(passkey.id))
    factors_changed(user, changed="passkeys", keep_session_id=session_id, now=now)


def log_in(*, credential: dict[str, object], client: Client, now: datetime) -> SignIn:
    """Open a session for who holds the passkey. Raises PasskeyInvalidError."""
    user = check_passkey(credential=credential, now=now)
    return open_session(user=user, client=client, now=now)


def check_passkey(*, credential: Mapping[str, object], now: datetime) -> User:
    """Whose passkey has answered a challenge of ours, just now and once.

    Raises PasskeyInvalidError, also when the authenticator's counter went back: then there is
    a copy of it.
    """
    try:
        answer = parse_authentication_credential_json(dict(credential))
        challenge = parse_client_data_json(answer.response.client_data_json).challenge
    except Exception as fault:  # bytes of a stranger: the library's readers fail in many ways
        raise PasskeyInvalidError from fault
    if not _take(challenge, ceremony=Ceremony.SIGN_IN, user=None, now=now):
        raise PasskeyInvalidError
    user = _use(answer, challenge=challenge, now=now)
    if user is None:
        known = Passkey.objects.filter(credential_id=bytes_to_base64url(answer.raw_id)).first()
        audit.record(
            AuditAction.PASSKEY_REFUSED,
            user_id=known.user_id if known else None,
            now=now,
            passkey_id=str(known.id) if known else None,
        )
        raise PasskeyInvalidError
    return user


@transaction.atomic
def _use(answer: AuthenticationCredential, *, challenge: bytes, now: datetime) -> User | None:
    """The lock lets two answers with the same count not pass together."""
    locked = Passkey.objects.select_for_update(of=("self",)).select_related("user")
    passkey = locked.filter(credential_id=bytes_to_base64url(answer.raw_id)).first()
    if passkey is None or not passkey.user.is_active:
        return None
    handle = answer.response.user_handle
    if handle is not None and handle != passkey.user_id.bytes:
        return None
    verified = _verify(answer, passkey=passkey, challenge=challenge)
    if verified is None:
        return None
    passkey.sign_count = verified.new_sign_count
    passkey.last_used_at = now
    passkey.save(update_fields=["sign_count", "last_used_at", "updated_at"])
    return passkey.user


def _verify(
    answer: AuthenticationCredential, *, passkey: Passkey, challenge: bytes
) -> VerifiedAuthentication | None:
    try:
        return verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=settings.PASSKEY_DOMAIN,
            expected_origin=list(settings.PASSKEY_ORIGINS),
            credential_public_key=bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except Exception:
        return None


@transaction.atomic
def _keep(challenge: bytes, *, ceremony: Ceremony, user: User | None, now: datetime) -> None:
    stale = PasskeyChallenge.objects.select_for_update(skip_locked=True).filter(expires_at__lt=now)
    PasskeyChallenge.objects.filter(pk__in=stale.values("pk")[:100]).delete()
    PasskeyChallenge.objects.create(
        ceremony=ceremony,
        challenge=bytes_to_base64url(challenge),
        user=user,
        expires_at=now + CHALLENGE_LASTS,
    )


def _take(challenge: bytes, *, ceremony: Ceremony, user: User | None, now: datetime) -> bool:
    """Whether this challenge was open; now it is not. Only one of many wins."""
    deleted, _ = PasskeyChallenge.objects.filter(
        challenge=bytes_to_base64url(challenge), ceremony=ceremony, user=user, expires_at__gt=now
    ).delete()
    return deleted == 1
