"""Browsers that are away at a provider: each comes back once, and only to where it left from."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.db import transaction
from django.utils.crypto import constant_time_compare

from apps.auth.errors import SocialStateError
from apps.auth.models import SocialAttempt, SocialIdentity, User
from apps.auth.types import SocialAnswer
from veza.integrations.identity_provider import Question
from veza.kit.crypto import decrypt, encrypt

ATTEMPT_LASTS = timedelta(minutes=10)
_BYTES = 32  # RFC 7636, section 7.1


def new_question(redirect_uri: str) -> Question:
    """What nobody can guess, for one attempt."""
    state, nonce, verifier = (secrets.token_urlsafe(_BYTES) for _ in range(3))
    return Question(redirect_uri=redirect_uri, state=state, nonce=nonce, verifier=verifier)


@transaction.atomic
def keep(
    question: Question, *, provider: str, user: User | None, session_id: UUID | None, now: datetime
) -> str:
    """Remember the attempt; the secret by which its browser is known again."""
    stale = SocialAttempt.objects.select_for_update(skip_locked=True).filter(expires_at__lt=now)
    SocialAttempt.objects.filter(pk__in=stale.values("pk")[:100]).delete()
    secret = secrets.token_urlsafe(_BYTES)
    SocialAttempt.objects.create(
        provider=provider,
        state_hash=_hash(question.state),
        secret_hash=_hash(secret),
        nonce=question.nonce,
        verifier=encrypt(question.verifier),
        redirect_uri=question.redirect_uri,
        user=user,
        session_id=session_id,
        expires_at=now + ATTEMPT_LASTS,
    )
    return secret


@transaction.atomic
def take(
    answer: SocialAnswer, *, provider: str, session_id: UUID | None, now: datetime
) -> SocialAttempt:
    """The attempt that this answers, for the first time or to add the code of a second factor.

    Only one of many wins. Who links has to be in the session in which he began. Raises
    SocialStateError; a wrong secret uses nothing up, so nobody can spoil the attempt of another.
    """
    rows = SocialAttempt.objects.select_for_update().filter(provider=provider, expires_at__gt=now)
    attempt = rows.filter(state_hash=_hash(answer.state)).first()
    if attempt is None or not constant_time_compare(attempt.secret_hash, _hash(answer.secret)):
        raise SocialStateError
    if attempt.user_id is not None and attempt.session_id != session_id:
        raise SocialStateError
    code_hash = _hash(answer.code)
    if attempt.code_hash:
        if attempt.identity_id is None or not constant_time_compare(attempt.code_hash, code_hash):
            raise SocialStateError
        return attempt
    attempt.code_hash = code_hash
    attempt.save(update_fields=["code_hash"])
    return attempt


def verifier_of(attempt: SocialAttempt) -> str:
    """The code verifier of PKCE."""
    return decrypt(attempt.verifier)


def wait_for_factor(attempt: SocialAttempt, *, identity: SocialIdentity) -> None:
    """The provider has told who it is, and its code is used up: the same answer may come again,
    with the code of the second factor.
    """
    SocialAttempt.objects.filter(pk=attempt.pk).update(identity=identity)


def forget(attempt: SocialAttempt) -> bool:
    """It is over; whether it was not before."""
    return SocialAttempt.objects.filter(pk=attempt.pk).delete()[0] == 1


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
