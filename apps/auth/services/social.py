"""Signing in at an OpenID provider, in two steps: the browser goes, the browser comes back.

Providers are asked between transactions, never in one.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.auth import selectors
from apps.auth.errors import (
    CredentialsError,
    OtpInvalidError,
    OtpLockedError,
    OtpRequiredError,
    RedirectUriError,
    SocialProviderAwayError,
    SocialRefusedError,
    SocialStateError,
)
from apps.auth.models import SocialAttempt, SocialIdentity, User
from apps.auth.services import audit, social_accounts, social_attempts
from apps.auth.services.second_factor import check_factor
from apps.auth.services.sessions import SignIn, open_session
from apps.auth.types import AuditAction, SocialAnswer, SocialBegin
from veza.integrations.identity_provider import (
    Agreement,
    Answer,
    Identity,
    IdentityRefusedError,
    ProviderAwayError,
    identity_provider,
)
from veza.kit.context import Client
from veza.kit.errors import FieldError, VezaError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Finished:
    """Somebody has signed in, or a login was linked; `is_new` is the account or the link."""

    signed_in: SignIn | None = None
    linked: SocialIdentity | None = None
    is_new: bool = False


def begin(
    *, provider: str, redirect_uri: str, user: User | None, session_id: UUID | None, now: datetime
) -> SocialBegin:
    """Where to send the browser, to sign in or, for a `user`, to link a login to his account.

    Raises SocialProviderUnknownError, RedirectUriError, SocialProviderAwayError.
    """
    agreement = selectors.get_provider(provider)
    if redirect_uri not in settings.OIDC_REDIRECT_URIS:
        fault = FieldError(
            field="redirect_uri",
            code="redirect_uri_not_allowed",
            detail="Nobody is sent back to this address.",
        )
        raise RedirectUriError(fields=[fault])
    question = social_attempts.new_question(redirect_uri)
    try:
        url = identity_provider().authorization_url(agreement=agreement, question=question, now=now)
    except ProviderAwayError as fault:
        raise SocialProviderAwayError from fault
    secret = social_attempts.keep(
        question, provider=provider, user=user, session_id=session_id, now=now
    )
    return SocialBegin(authorization_url=url, state=question.state, secret=secret)


def finish(
    *, provider: str, answer: SocialAnswer, session_id: UUID | None, client: Client, now: datetime
) -> Finished:
    """Sign in who the provider vouches for, make an account for him, or link his login.

    The attempt is over then, unless the code of a second factor is needed: that may be added to
    the same answer. Raises SocialProviderUnknownError, SocialStateError, SocialRefusedError,
    SocialProviderAwayError, AccountExistsError, CredentialsError, OtpRequiredError,
    OtpInvalidError, OtpLockedError.
    """
    agreement = selectors.get_provider(provider)
    if answer.issuer and answer.issuer != agreement.issuer:
        raise SocialStateError
    attempt = social_attempts.take(answer, provider=provider, session_id=session_id, now=now)
    try:
        if attempt.identity is not None:
            return _sign_in(attempt, attempt.identity, otp=answer.otp, client=client, now=now)
        identity = _identify(attempt, agreement=agreement, code=answer.code, now=now)
        return _admit(attempt, identity, otp=answer.otp, client=client, now=now)
    except (OtpRequiredError, OtpInvalidError, OtpLockedError):
        raise
    except VezaError:
        social_attempts.forget(attempt)
        raise


def _identify(
    attempt: SocialAttempt, *, agreement: Agreement, code: str, now: datetime
) -> Identity:
    answer = Answer(
        code=code,
        redirect_uri=attempt.redirect_uri,
        nonce=attempt.nonce,
        verifier=social_attempts.verifier_of(attempt),
    )
    try:
        return identity_provider().identify(agreement=agreement, answer=answer, now=now)
    except ProviderAwayError as fault:
        raise SocialProviderAwayError from fault
    except IdentityRefusedError as fault:
        logger.info("social_refused", extra={"provider": attempt.provider, "reason": str(fault)})
        audit.record(
            AuditAction.SOCIAL_REFUSED,
            user_id=attempt.user_id,
            now=now,
            provider=attempt.provider,
            reason=SocialRefusedError.code,
        )
        raise SocialRefusedError from fault


def _admit(
    attempt: SocialAttempt, identity: Identity, *, otp: str, client: Client, now: datetime
) -> Finished:
    if attempt.user is not None and attempt.session_id is not None:
        linked, is_new = social_accounts.link(
            identity, user=attempt.user, session_id=attempt.session_id, now=now
        )
        social_attempts.forget(attempt)
        return Finished(linked=linked, is_new=is_new)
    known = selectors.find_identity(issuer=identity.issuer, subject=identity.subject)
    if known is not None:
        return _sign_in(attempt, known, otp=otp, client=client, now=now)
    signed_in = social_accounts.register(identity, client=client, now=now)
    social_attempts.forget(attempt)
    return Finished(signed_in=signed_in, is_new=True)


def _sign_in(
    attempt: SocialAttempt, identity: SocialIdentity, *, otp: str, client: Client, now: datetime
) -> Finished:
    user = identity.user
    if not user.is_active:
        audit.record(AuditAction.LOGIN_FAILED, user_id=user.id, now=now)
        raise CredentialsError
    social_attempts.wait_for_factor(attempt, identity=identity)
    check_factor(user=user, code=otp, now=now)
    return _open(attempt, identity, client=client, now=now)


@transaction.atomic
def _open(
    attempt: SocialAttempt, identity: SocialIdentity, *, client: Client, now: datetime
) -> Finished:
    if not social_attempts.forget(attempt):
        raise SocialStateError
    identity.last_used_at = now
    identity.save(update_fields=["last_used_at", "updated_at"])
    return Finished(signed_in=open_session(user=identity.user, client=client, now=now))
