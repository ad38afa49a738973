"""Verifying an address, and choosing another password."""

import re
from datetime import timedelta
from email import message_from_string, policy
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone
from rest_framework.test import APIClient

from apps.auth.models import AuditEntry, Session, SocialIdentity, User
from apps.auth.services import second_factor
from apps.auth.types import AuditAction, RevokedReason
from tests.factories.auth import LAPTOP, PASSWORD, PHONE, client_of, make_user, sign_in
from tests.support import react
from veza.kit.context import Client

pytestmark = pytest.mark.django_db

AUTH = "/api/v1/auth"
VERIFY, RESEND = f"{AUTH}/email/verify", f"{AUTH}/email/resend"
RESET, CONFIRM = f"{AUTH}/password/reset", f"{AUTH}/password/reset/confirm"
CHANGE, LOGIN, ME = f"{AUTH}/password/change", f"{AUTH}/login", "/api/v1/users/me"
NEW = "amber fields of sleeping bass"
FIREFOX_140 = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
FIREFOX_141 = FIREFOX_140.replace("140", "141")


@pytest.fixture
def user() -> User:
    return make_user()


def post(client: APIClient, path: str, **body: str) -> Any:
    return client.post(path, body, format="json")


def last_key() -> str:
    """The key in the newest mail, from its text."""
    found = re.search(r"#key=(\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def asked_for_reset(user: User) -> str:
    assert post(APIClient(), RESET, email=user.email).status_code == 202
    react()
    return last_key()


def log_in(user: User, password: str) -> int:
    return int(post(APIClient(), LOGIN, login=user.username, password=password).status_code)


class TestVerification:
    @pytest.fixture
    def key(self, user: User) -> str:
        react()
        return last_key()

    def test_a_mail_follows_registration(self, user: User, key: str) -> None:
        [sent] = mail.outbox
        assert sent.to == [user.email]
        assert sent.subject == "Confirm your e-mail address"
        assert "http://127.0.0.1" in sent.body
        [(html, kind)] = sent.alternatives  # type: ignore[attr-defined] # it has two parts
        assert kind == "text/html"
        assert f"#key={key}" in html
        assert sent.extra_headers["Auto-Submitted"] == "auto-generated"

    def test_the_key_verifies_once(self, user: User, key: str) -> None:
        client = client_of(user)
        assert client.get(ME).json()["email_verified"] is False

        assert post(APIClient(), VERIFY, key=key).status_code == 204
        assert client.get(ME).json()["email_verified"] is True
        again = post(APIClient(), VERIFY, key=key)
        assert (again.status_code, again.json()["code"]) == (400, "key_invalid")
        assert AuditEntry.objects.filter(action=AuditAction.EMAIL_VERIFIED).count() == 1

    def test_it_lives_an_hour(self, user: User, key: str) -> None:
        with time_machine.travel(timezone.now() + timedelta(minutes=59)):
            assert post(APIClient(), VERIFY, key=key[:-1] + "x").status_code == 400
        with time_machine.travel(timezone.now() + timedelta(minutes=61)):
            assert post(APIClient(), VERIFY, key=key).status_code == 400
        with time_machine.travel(timezone.now() + timedelta(minutes=59)):
            assert post(APIClient(), VERIFY, key=key).status_code == 204

    def test_it_is_for_the_address_to_which_it_was_sent(self, user: User, key: str) -> None:
        User.objects.update(email="other@example.org")
        assert post(APIClient(), VERIFY, key=key).status_code == 400

    @pytest.mark.parametrize("bad", ["", "x", ".", "a.b", "é.x", "A" * 22 + ".x-y", "x" * 201])
    def test_what_is_no_key_is_refused(self, bad: str) -> None:
        assert post(APIClient(), VERIFY, key=bad).status_code == 400

    def test_keys_are_for_their_purpose(self, user: User, key: str) -> None:
        assert post(APIClient(), CONFIRM, key=key, password=NEW).json()["code"] == "key_invalid"
        assert post(APIClient(), VERIFY, key=asked_for_reset(user)).json()["code"] == "key_invalid"

    def test_is_sent_again_while_it_is_needed(self, user: User, key: str) -> None:
        client = client_of(user)
        assert client.post(RESEND).status_code == 202
        react()
        assert len([each for each in mail.outbox if each.subject.startswith("Confirm")]) == 2

        post(APIClient(), VERIFY, key=last_key())
        assert client.post(RESEND).status_code == 202
        react()
        assert len([each for each in mail.outbox if each.subject.startswith("Confirm")]) == 2
        assert APIClient().post(RESEND).status_code == 401


class TestReset:
    def test_sets_the_password_and_ends_all_sessions(self, user: User) -> None:
        signed_in = client_of(user)
        key = asked_for_reset(user)

        assert post(APIClient(), CONFIRM, key=key, password=NEW).status_code == 204
        assert (log_in(user, NEW), log_in(user, PASSWORD)) == (200, 401)
        assert signed_in.get(ME).json()["code"] == "token_invalid"
        reasons = Session.objects.filter(revoked_at__isnull=False)
        assert {each.revoked_reason for each in reasons} == {RevokedReason.PASSWORD_CHANGED}
        assert User.objects.get().email_verified_at is not None
        react()
        assert "Your password was changed" in [each.subject for each in mail.outbox]

    def test_a_key_is_good_once_and_until_the_next_sign_in(self, user: User) -> None:
        key = asked_for_reset(user)
        assert post(APIClient(), CONFIRM, key=key, password=NEW).status_code == 204
        assert post(APIClient(), CONFIRM, key=key, password=PASSWORD).status_code == 400

        key = asked_for_reset(user)
        assert log_in(user, NEW) == 200
        assert post(APIClient(), CONFIRM, key=key, password=PASSWORD).status_code == 400

    def test_a_weak_password_does_not_spend_the_key(self, user: User) -> None:
        key = asked_for_reset(user)
        weak = post(APIClient(), CONFIRM, key=key, password="password1234")
        assert weak.status_code == 400
        assert {fault["field"] for fault in weak.json()["errors"]} == {"password"}
        assert post(APIClient(), CONFIRM, key=key, password=NEW).status_code == 204

    def test_leaves_no_way_in_to_who_registered_with_a_foreign_address(self, user: User) -> None:
        second_factor.begin_setup(user=user)
        user.second_factor.confirmed_at = timezone.now()
        user.second_factor.save()
        SocialIdentity.objects.create(user=user, issuer="https://id.example", subject="7")
        key = asked_for_reset(user)

        assert post(APIClient(), CONFIRM, key=key, password=NEW).status_code == 204
        assert log_in(user, NEW) == 200
        assert not SocialIdentity.objects.exists()

    def test_does_not_get_around_the_second_factor(self, user: User) -> None:
        User.objects.update(email_verified_at=timezone.now())
        user.refresh_from_db()
        setup = second_factor.begin_setup(user=user)
        assert setup.secret
        user.second_factor.confirmed_at = timezone.now()
        user.second_factor.save()
        key = asked_for_reset(user)
        assert post(APIClient(), CONFIRM, key=key, password=NEW).status_code == 204
        answer = post(APIClient(), LOGIN, login=user.username, password=NEW)
        assert answer.json()["code"] == "otp_required"

    def test_nothing_tells_who_has_an_account(self, user: User) -> None:
        make_user(username="gone", is_active=False)
        react()
        mail.outbox.clear()
        answers = [
            post(APIClient(), RESET, email=email)
            for email in (user.email, user.email.upper(), "nobody@example.org", "gone@example.org")
        ]
        told = {
            (each.status_code, each.content, frozenset(dict(each.items()).keys()))
            for each in answers
        }
        assert len(told) == 1
        react()
        assert [each.to for each in mail.outbox] == [[user.email], [user.email]]
        entries = AuditEntry.objects.filter(action=AuditAction.PASSWORD_RESET_REQUESTED)
        assert entries.count() == 4

    def test_the_link_does_not_come_from_the_request(self, user: User) -> None:
        APIClient().post(
            RESET, {"email": user.email}, format="json", headers={"host": "evil.example"}
        )
        react()
        assert "evil.example" not in str(mail.outbox[-1].body)

    def test_of_who_may_not_sign_in_is_refused(self, user: User) -> None:
        key = asked_for_reset(user)
        User.objects.update(is_active=False)
        assert post(APIClient(), CONFIRM, key=key, password=NEW).status_code == 400

    def test_is_limited_for_each_address_and_account(self, user: User) -> None:
        answers = [post(APIClient(), RESET, email="a@example.org").status_code for _ in range(11)]
        assert answers == [202] * 10 + [429]


class TestChange:
    def test_keeps_this_session_and_ends_the_others(self, user: User) -> None:
        here, there = client_of(user, client=PHONE), client_of(user, client=LAPTOP)
        answer = post(here, CHANGE, current_password=PASSWORD, password=NEW)

        assert answer.status_code == 204
        assert (here.get(ME).status_code, there.get(ME).status_code) == (200, 401)
        assert (log_in(user, NEW), log_in(user, PASSWORD)) == (200, 401)
        react()
        assert "Your password was changed" in [each.subject for each in mail.outbox]

    def test_needs_the_present_one(self, user: User) -> None:
        client = client_of(user)
        answer = post(client, CHANGE, current_password="wrong", password=NEW)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
        assert log_in(user, PASSWORD) == 200

    def test_refuses_a_weak_one(self, user: User) -> None:
        answer = post(client_of(user), CHANGE, current_password=PASSWORD, password="short")
        assert {each["field"] for each in answer.json()["errors"]} == {"password"}

    def test_with_a_second_factor_needs_step_up(self, user: User) -> None:
        second_factor.begin_setup(user=user)
        user.second_factor.confirmed_at = timezone.now()
        user.second_factor.save()
        client = client_of(user)
        Session.objects.update(stepped_up_at=None)
        answer = post(client, CHANGE, current_password=PASSWORD, password=NEW)
        assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")


class TestNewDevice:
    def signed_in_with(self, user: User, user_agent: str) -> list[str]:
        mail.outbox.clear()
        sign_in(user, client=Client(user_agent=user_agent, address="192.0.2.1"))
        react()
        return [str(each.subject) for each in mail.outbox]

    def test_is_told_and_the_first_one_is_not(self, user: User) -> None:
        react()
        assert self.signed_in_with(user, FIREFOX_140) == []
        assert self.signed_in_with(user, FIREFOX_140) == []
        assert self.signed_in_with(user, FIREFOX_141) == []
        assert self.signed_in_with(user, "curl/8.1") == ["New sign-in to your account"]
        assert "curl" in str(mail.outbox[0].body)
        assert self.signed_in_with(user, "curl/8.2") == []

    def test_a_name_with_line_breaks_adds_no_header(self, user: User) -> None:
        react()
        self.signed_in_with(user, FIREFOX_140)
        self.signed_in_with(user, "x\r\nBcc: other@example.org\r\n\r\nhello")
        [sent] = mail.outbox
        parsed = message_from_string(sent.message().as_string(), policy=policy.default)
        assert parsed["Bcc"] is None
        assert sent.recipients() == [user.email]


def test_a_token_that_is_used_twice_is_told(user: User) -> None:
    react()
    signed_in = sign_in(user, client=PHONE)
    for agent in (PHONE.user_agent, "thief/1"):
        APIClient(HTTP_USER_AGENT=agent).post(
            f"{AUTH}/refresh", {"refresh": signed_in.tokens.refresh}, format="json"
        )
    react()
    assert mail.outbox[-1].subject == "A session of yours was ended"
