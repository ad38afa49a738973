"""Staff and their second factor in the admin."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.auth.models import AuditEntry, SecondFactor, User
from apps.auth.types import RoleName
from tests.factories.auth import PASSWORD, make_user
from tests.factories.factors import code_of, turn_on

pytestmark = pytest.mark.django_db

INDEX = reverse("admin:index")
LOGIN = reverse("admin:login")
SETUP = reverse("admin:second_factor")
USERS = reverse("admin:accounts_user_changelist")


@pytest.fixture(autouse=True)
def _as_in_production(settings):
    settings.ADMIN_REQUIRES_2FA = True


@pytest.fixture
def boss() -> User:
    return make_user(username="boss", roles=frozenset({RoleName.ADMIN}))


def log_in(client: Client, otp: str = "", password: str = PASSWORD) -> str:
    """Where it leads; empty when it leads nowhere."""
    response = client.post(
        f"{LOGIN}?next={USERS}", {"username": "boss", "password": password, "otp": otp}
    )
    return response.headers.get("Location", "")


class TestWithout:
    def test_staff_are_led_to_set_it_up_and_can_do_nothing_else(self, client, boss):
        victim = make_user()
        assert log_in(client) == USERS

        for path in (INDEX, USERS, reverse("admin:password_change"), reverse("admin:search")):
            assert client.get(path).headers["Location"] == SETUP, path
        client.post(USERS, {"action": "deactivate", "_selected_action": [str(victim.pk)]})
        assert User.objects.get(pk=victim.pk).is_active
        assert client.post(reverse("admin:logout")).status_code == 200
        assert client.get(SETUP).headers["Location"].startswith(LOGIN)

    def test_setting_it_up_opens_the_door(self, client, boss):
        log_in(client)
        page = client.get(SETUP)
        assert page.status_code == 200
        assert "no-store" in page["Cache-Control"]
        assert b"data:image/svg+xml;base64," in page.content
        secret = re.findall(r'id="secret"[^>]*>([A-Z2-7]+)<', page.content.decode())[0]

        wrong = client.post(SETUP, {"code": "000000"})
        assert b"The code is wrong" in wrong.content
        assert secret not in wrong.content.decode()
        assert client.get(USERS).headers["Location"] == SETUP

        done = client.post(SETUP, {"code": code_of(secret, at=timezone.now())})
        codes = re.findall(r"<li><code>([a-z2-7-]{19})</code></li>", done.content.decode())
        assert len(codes) == 10
        assert client.get(USERS).status_code == 200
        assert client.get(SETUP).headers["Location"] == INDEX
        other = Client()
        assert log_in(other) == ""
        assert log_in(other, codes[0]) == USERS
        assert other.get(USERS).status_code == 200

    def test_none_is_needed_where_the_setting_says_so(self, client, boss, settings):
        settings.ADMIN_REQUIRES_2FA = False
        log_in(client)

        assert client.get(USERS).status_code == 200

    def test_setting_up_needs_a_fresh_sign_in(self, client, boss, time_machine_at):
        log_in(client)
        with time_machine_at(timezone.now() + timedelta(minutes=11)):
            assert client.get(SETUP).headers["Location"].startswith(LOGIN)
        assert SecondFactor.objects.count() == 0

    def test_setting_up_is_closed_to_others(self, client):
        client.force_login(make_user())

        assert client.get(SETUP).headers["Location"].startswith(LOGIN)


class TestWith:
    @pytest.mark.parametrize("required", [True, False])
    def test_signing_in_takes_a_code_once(self, boss, settings, required):
        settings.ADMIN_REQUIRES_2FA = required
        secret, _ = turn_on(boss)
        code = code_of(secret, at=timezone.now())
        client = Client()

        assert log_in(client) == ""
        assert log_in(client, "000000") == ""
        assert log_in(client, code, password="wrong wrong wrong") == ""
        assert client.get(USERS).headers["Location"].startswith(LOGIN)
        assert log_in(client, code) == USERS
        assert client.get(USERS).status_code == 200
        assert log_in(Client(), code) == ""

    def test_is_asked_for_when_it_was_turned_on_meanwhile(self, client, boss, settings):
        settings.ADMIN_REQUIRES_2FA = False
        log_in(client)
        turn_on(boss)

        assert client.get(USERS).headers["Location"].startswith(LOGIN)

    def test_sessions_end_after_eight_hours_however_much_they_are_used(
        self, client, boss, time_machine_at
    ):
        start = timezone.now()
        log_in(client, code_of(turn_on(boss)[0], at=start))
        for hours in (4, 7.9):
            with time_machine_at(start + timedelta(hours=hours)):
                session = client.session
                session["used"] = hours
                session.save()
                assert client.get(USERS).status_code == 200
        with time_machine_at(start + timedelta(hours=8, seconds=5)):
            assert client.get(USERS).status_code == 302

    def test_every_sign_in_is_told_of(self, client, boss):
        secret, _ = turn_on(boss)
        log_in(client, "000000")
        log_in(client, code_of(secret, at=timezone.now()))

        told = AuditEntry.objects.filter(user_id=boss.id).order_by("at", "id")
        assert list(told.values_list("action", flat=True))[-3:] == [
            "two_factor.failed",
            "login.failed",
            "login.succeeded",
        ]

    @pytest.mark.parametrize("code", ["1" * 65, "1" * 100_000, "\u0661" * 6, "\0" * 6, "\u202e1"])
    def test_refuses_what_is_no_code(self, client, boss, code):
        turn_on(boss)

        assert log_in(client, code) == ""
