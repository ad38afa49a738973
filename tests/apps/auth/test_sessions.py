"""Signing in, refreshing and ending sessions, as services."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import hashers
from django.utils import timezone

from apps.auth import selectors
from apps.auth.errors import (
    CredentialsError,
    RefreshReusedError,
    TokenExpiredError,
    TokenInvalidError,
)
from apps.auth.events import SessionCreated, SessionRevoked
from apps.auth.models import RefreshToken, Session
from apps.auth.services import accounts, sessions
from apps.auth.services.sign_in import log_in
from apps.auth.services.tokens import read_token
from apps.auth.types import RevokedReason, TokenType
from tests.factories.auth import LAPTOP, PASSWORD, PHONE, make_user, sign_in
from tests.support import published

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def is_accepted(access: str) -> bool:
    claims = read_token(access, token_type=TokenType.ACCESS)
    session = selectors.find_session(claims.session_id)
    try:
        selectors.check_session(session, claims=claims, now=timezone.now())
    except TokenInvalidError:
        return False
    return True


class TestLogIn:
    @pytest.mark.parametrize("login", ["Ada", "aDA", "ada@example.org", "ADA@Example.ORG"])
    def test_takes_the_user_name_or_the_address_in_any_case(self, login):
        user = make_user(username="Ada")

        signed_in = log_in(login=login, password=PASSWORD, client=PHONE, now=timezone.now())

        assert signed_in.user == user
        assert is_accepted(signed_in.tokens.access)

    def test_reports_the_session_without_personal_data(self):
        user = make_user()

        sign_in(user)

        session = Session.objects.get()
        assert published(SessionCreated) == [
            {"session_id": str(session.id), "user_id": str(user.id)}
        ]

    def test_remembers_the_client(self):
        sign_in(make_user(), client=LAPTOP)

        session = Session.objects.get()
        assert (session.user_agent, session.ip) == ("laptop/1", "198.51.100.20")

    def test_hashes_once_whoever_is_asked_for(self, monkeypatch):
        make_user(username="known")
        make_user(username="inactive", is_active=False)
        unusable = make_user(username="unusable")
        unusable.set_unusable_password()
        unusable.save()
        hashed: list[str] = []
        hasher = type(hashers.get_hasher())
        encode = hasher.encode

        def counted(self: Any, password: str, salt: str) -> str:
            hashed.append(password)
            return encode(self, password, salt)

        monkeypatch.setattr(hasher, "encode", counted)

        for login in ("known", "inactive", "unusable", "missing", "missing@example.org"):
            hashed.clear()
            with pytest.raises(CredentialsError):
                log_in(login=login, password="wrong " * 3, client=PHONE, now=timezone.now())
            assert len(hashed) == 1, login

    def test_refuses_an_inactive_user_with_the_right_password(self):
        make_user(username="gone", is_active=False)

        with pytest.raises(CredentialsError):
            log_in(login="gone", password=PASSWORD, client=PHONE, now=timezone.now())

        assert not Session.objects.exists()


class TestRefresh:
    def test_gives_new_tokens_in_the_same_session(self):
        first = sign_in(make_user()).tokens

        second = sessions.refresh(token=first.refresh, client=PHONE, now=timezone.now())

        assert second.refresh != first.refresh
        assert is_accepted(second.access)
        assert is_accepted(first.access)
        assert Session.objects.count() == 1

    def test_gives_the_same_successor_to_the_same_client_within_the_grace(self, settings):
        settings.REFRESH_GRACE_S = 10
        token = sign_in(make_user()).tokens.refresh
        now = timezone.now()

        answers = [
            sessions.refresh(token=token, client=PHONE, now=now + offset * SECOND)
            for offset in (0, 5, 10)
        ]

        assert answers[1:] == answers[:1] * 2
        assert RefreshToken.objects.count() == 2

    @pytest.mark.parametrize(
        ("client", "grace_s", "after_s"),
        [(PHONE, 10, 11), (LAPTOP, 10, 1), (PHONE, 0, 0)],
        ids=["too late", "another client", "no grace"],
    )
    def test_ends_the_session_when_an_old_token_comes_back(
        self, settings, client, grace_s, after_s
    ):
        settings.REFRESH_GRACE_S = grace_s
        user = make_user()
        other = sign_in(user).tokens
        first = sign_in(user).tokens
        now = timezone.now()
        second = sessions.refresh(token=first.refresh, client=PHONE, now=now)

        with pytest.raises(RefreshReusedError):
            sessions.refresh(token=first.refresh, client=client, now=now + after_s * SECOND)

        assert not is_accepted(first.access)
        assert not is_accepted(second.access)
        with pytest.raises(RefreshReusedError):
            sessions.refresh(token=second.refresh, client=PHONE, now=now)
        assert is_accepted(other.access)
        assert [fact["reason"] for fact in published(SessionRevoked)] == ["refresh_reused"]

    def test_takes_a_genuine_token_whose_row_is_gone_for_an_old_one(self):
        token = sign_in(make_user()).tokens.refresh
        now = timezone.now()
        newest = sessions.refresh(token=token, client=PHONE, now=now).refresh
        sessions.refresh(token=newest, client=PHONE, now=now + DAY)
        assert RefreshToken.objects.count() == 2, "used rows do not pile up"

        with pytest.raises(RefreshReusedError):
            sessions.refresh(token=token, client=PHONE, now=now + DAY)

    def test_keeps_a_used_session_alive_but_not_for_ever(self, settings, time_machine_at):
        settings.REFRESH_TOKEN_TTL_S = int((30 * DAY).total_seconds())
        start = timezone.now()
        token = sign_in(make_user()).tokens.refresh

        for day in range(20, 361, 20):
            with time_machine_at(start + day * DAY):
                token = sessions.refresh(token=token, client=PHONE, now=timezone.now()).refresh

        assert Session.objects.get().expires_at - Session.objects.get().created_at == 365 * DAY
        with time_machine_at(start + 366 * DAY), pytest.raises(TokenExpiredError):
            sessions.refresh(token=token, client=PHONE, now=timezone.now())

    def test_refuses_an_access_token(self):
        access = sign_in(make_user()).tokens.access

        with pytest.raises(TokenInvalidError):
            sessions.refresh(token=access, client=PHONE, now=timezone.now())

    def test_stores_no_token(self):
        tokens = sign_in(make_user()).tokens

        stored = str(list(RefreshToken.objects.values()) + list(Session.objects.values()))

        assert not any(part in stored for part in tokens.refresh.split("."))


class TestRevoke:
    def test_ends_the_session_and_reports_it_once(self):
        user = make_user()
        tokens = sign_in(user).tokens
        session = Session.objects.get()

        for _ in range(2):
            sessions.revoke_session(
                session_id=session.id, reason=RevokedReason.LOGOUT, now=timezone.now()
            )

        assert not is_accepted(tokens.access)
        with pytest.raises(TokenInvalidError):
            sessions.refresh(token=tokens.refresh, client=PHONE, now=timezone.now())
        assert published(SessionRevoked) == [
            {"session_id": str(session.id), "user_id": str(user.id), "reason": "logout"}
        ]

    def test_everywhere_ends_all_sessions_of_this_user_alone(self):
        user, other = make_user(), make_user()
        tokens = [sign_in(user).tokens, sign_in(user, client=LAPTOP).tokens]
        others = sign_in(other).tokens

        count = accounts.sign_out_everywhere(
            user_id=user.id, reason=RevokedReason.BY_OPERATOR, now=timezone.now()
        )

        assert count == 2
        assert [is_accepted(pair.access) for pair in tokens] == [False, False]
        assert is_accepted(others.access)


class TestIssueAccess:
    def test_lives_as_long_as_it_was_asked_to(self, time_machine_at):
        user = make_user()
        now = timezone.now()

        token = sessions.issue_access(user=user, client=PHONE, now=now, lifetime=90 * DAY)

        with time_machine_at(now + 89 * DAY):
            assert is_accepted(token)
        with time_machine_at(now + 91 * DAY), pytest.raises(TokenExpiredError):
            read_token(token, token_type=TokenType.ACCESS)
