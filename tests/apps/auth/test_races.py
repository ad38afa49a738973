"""What must hold when many do the same at once: threads with connections of their own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import pytest
from django.db import connection
from django.utils import timezone

from apps.auth.errors import (
    LastAdminError,
    RefreshReusedError,
    RegistrationError,
    TokenInvalidError,
)
from apps.auth.events import SessionCreated, SessionRevoked, UserCreated
from apps.auth.models import RefreshToken, Session, User
from apps.auth.services import accounts, demo, sessions, staff
from apps.auth.types import RevokedReason, RoleName
from tests.factories.auth import PASSWORD, PHONE, make_user, sign_in
from tests.patience import PATIENCE_S
from tests.support import published
from veza.kit.context import Client
from veza.kit.errors import PreconditionError

pytestmark = pytest.mark.django_db(transaction=True)

T = TypeVar("T")


def at_once(times: int, call: Callable[[int], T]) -> list[T]:
    """Each call on a thread, and so a connection, of its own; all begin together."""
    start = Barrier(times)

    def run(number: int) -> T:
        try:
            connection.ensure_connection()
            start.wait(timeout=PATIENCE_S)
            return call(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


class TestRefresh:
    def test_has_one_successor_however_many_ask_at_once(self):
        token = sign_in(make_user()).tokens.refresh

        answers = at_once(
            32, lambda _: sessions.refresh(token=token, client=PHONE, now=timezone.now())
        )

        assert len(set(answers)) == 1
        assert RefreshToken.objects.count() == 2

    def test_gives_other_clients_nothing_that_works(self):
        token = sign_in(make_user()).tokens.refresh

        def refresh(number: int) -> str:
            client = Client(user_agent=f"client {number}", address="")
            try:
                return sessions.refresh(token=token, client=client, now=timezone.now()).refresh
            except RefreshReusedError:
                return "reused"

        answers = at_once(16, refresh)

        winners = set(answers) - {"reused"}
        assert len(winners) == 1
        assert answers.count("reused") == 15
        assert Session.objects.get().revoked_reason == RevokedReason.REFRESH_REUSED
        assert len(published(SessionRevoked)) == 1
        with pytest.raises(RefreshReusedError):
            sessions.refresh(token=winners.pop(), client=PHONE, now=timezone.now())

    def test_never_outlives_a_logout_at_the_same_moment(self):
        for _ in range(5):
            token = sign_in(make_user()).tokens.refresh
            session = Session.objects.latest("created_at")

            def act(number: int, token: str = token, session: Session = session) -> str:
                if number == 0:
                    sessions.revoke_session(
                        session_id=session.id, reason=RevokedReason.LOGOUT, now=timezone.now()
                    )
                    return ""
                try:
                    return sessions.refresh(token=token, client=PHONE, now=timezone.now()).refresh
                except TokenInvalidError:
                    return ""

            for answer in filter(None, at_once(4, act)):
                with pytest.raises(TokenInvalidError):
                    sessions.refresh(token=answer, client=PHONE, now=timezone.now())


class TestRegister:
    def test_lets_one_of_many_have_the_name(self):
        def register(number: int) -> list[str]:
            try:
                accounts.register(
                    username=["ada", "ADA", "Ada"][number % 3],
                    email="ada@example.org",
                    password=PASSWORD,
                    client=PHONE,
                    now=timezone.now(),
                )
            except RegistrationError as error:
                return [fault.code for fault in error.fields]
            return []

        answers = at_once(8, register)

        assert answers.count([]) == 1
        assert answers.count(["username_taken", "email_taken"]) == 7
        assert User.objects.count() == Session.objects.count() == 1
        assert len(published(UserCreated)) == len(published(SessionCreated)) == 1


class TestUpdateProfile:
    def test_lets_one_of_many_change_the_version_that_all_have_read(self):
        user = make_user(bio="old")

        def must_be_old(current: User) -> None:
            if current.bio != "old":
                raise PreconditionError

        def change(number: int) -> bool:
            try:
                accounts.update_profile(
                    user_id=user.id, changes={"bio": f"new {number}"}, check=must_be_old
                )
            except PreconditionError:
                return False
            return True

        assert at_once(8, change).count(True) == 1


class TestDemo:
    def test_is_made_once_by_many(self):
        answers = at_once(3, lambda _: demo.ensure_accounts(now=timezone.now()))

        assert answers[1:] == answers[:1] * 2
        assert User.objects.count() == len(demo.PEOPLE)


class TestTheLastAdmin:
    def test_stays_when_two_admins_unmake_each_other(self):
        admins = [make_user(roles=frozenset({RoleName.ADMIN})) for _ in range(2)]

        def unmake(number: int) -> str:
            try:
                staff.change_roles(
                    user_id=admins[1 - number].id, given=frozenset(),
                    taken=frozenset({RoleName.ADMIN}), by=admins[number], now=timezone.now(),
                )  # fmt: skip
            except LastAdminError:
                return "refused"
            return "done"

        assert sorted(at_once(2, unmake)) == ["done", "refused"]
        assert User.objects.filter(is_superuser=True).count() == 1
