"""What operators see of accounts, and what they can do there."""

import pytest
from django.test import Client
from django.urls import reverse

from apps.auth.events import SessionRevoked, UserUpdated
from apps.auth.models import Session, User
from apps.auth.types import REGISTRATION_ROLES, RoleName
from tests.factories.auth import PASSWORD, make_user, sign_in
from tests.support import published

pytestmark = pytest.mark.django_db

USERS = reverse("admin:accounts_user_changelist")
SESSIONS = reverse("admin:accounts_session_changelist")


@pytest.fixture
def operator() -> User:
    return make_user(username="operator", roles=REGISTRATION_ROLES | {RoleName.OPERATOR})


@pytest.fixture
def browser(client: Client, operator: User) -> Client:
    client.force_login(operator)
    return client


def act(browser: Client, path: str, action: str, *rows: User | Session) -> None:
    chosen = [str(row.pk) for row in rows]
    data = {"action": action, "_selected_action": chosen}
    asked = browser.post(path, data)
    assert "What will happen" in asked.content.decode()
    response = browser.post(path, {**data, "confirmed": "yes"}, follow=True)
    assert response.status_code == 200


class TestPages:
    def test_show_people_and_sessions(self, browser, operator):
        sign_in(operator)

        for path, found in (
            (USERS, "operator@example.org"),
            (f"{USERS}?q=OPERATOR&is_staff__exact=1", "operator@example.org"),
            (reverse("admin:accounts_user_change", args=[operator.pk]), "listener, creator"),
            (SESSIONS, "phone/1"),
            (f"{SESSIONS}?q=192.0.2", "phone/1"),
            (reverse("admin:accounts_session_change", args=[Session.objects.get().pk]), "phone/1"),
        ):
            response = browser.get(path)
            assert response.status_code == 200, path
            assert found in response.content.decode(), path

    def test_never_show_a_password_hash(self, browser, operator):
        page = browser.get(reverse("admin:accounts_user_change", args=[operator.pk]))

        assert operator.password not in page.content.decode()

    def test_offer_no_adding_changing_or_deleting(self, browser, operator):
        for name in ("user", "session"):
            assert browser.get(reverse(f"admin:accounts_{name}_add")).status_code == 403
        for verb in ("change", "delete"):
            path = reverse(f"admin:accounts_user_{verb}", args=[operator.pk])
            assert browser.post(path, {"is_superuser": "on", "post": "yes"}).status_code == 403
        assert User.objects.get().is_superuser is False

    def test_cost_the_same_for_many_people(self, browser, django_assert_max_num_queries):
        for _ in range(10):
            make_user()

        with django_assert_max_num_queries(12):
            browser.get(USERS)

    @pytest.mark.parametrize("path", [USERS, SESSIONS])
    def test_are_closed_to_who_is_no_operator(self, client, path):
        client.force_login(make_user(roles=REGISTRATION_ROLES | {RoleName.MODERATOR}))

        assert client.get(path).status_code == 302


class TestActions:
    def test_sign_out_everywhere(self, browser):
        user = make_user()
        sign_in(user)

        act(browser, USERS, "sign_out", user)

        assert [fact["reason"] for fact in published(SessionRevoked)] == ["by_operator"]

    def test_deactivate_and_activate(self, browser):
        user = make_user()

        act(browser, USERS, "deactivate", user)
        assert User.objects.get(pk=user.pk).is_active is False
        act(browser, USERS, "activate", user)
        assert User.objects.get(pk=user.pk).is_active is True
        assert len(published(UserUpdated)) == 2

    def test_deactivate_neither_oneself_nor_other_staff(self, browser, operator):
        admin = make_user(roles=frozenset({RoleName.ADMIN}))

        act(browser, USERS, "deactivate", operator, admin)

        assert User.objects.filter(is_active=True).count() == 2

    def test_end_a_session(self, browser):
        sign_in(make_user())

        act(browser, SESSIONS, "revoke", Session.objects.get())

        assert Session.objects.get().revoked_reason == "by_operator"


class TestCookieSession:
    def test_ends_when_the_person_is_signed_out_everywhere(self, browser, operator):
        act(browser, USERS, "sign_out", operator)

        assert browser.get(USERS).status_code == 302

    def test_begins_with_name_or_address_in_any_case(self, client, operator):
        for login in ("OPERATOR", "Operator@example.org"):
            response = client.post(
                reverse("admin:login"), {"username": login, "password": PASSWORD}
            )
            assert response.status_code == 302, login
            client.logout()
