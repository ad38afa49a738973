"""The second factor over HTTP: setting up, signing in, recovery, turning off, step-up."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.auth.events import SessionRevoked, UserUpdated
from apps.auth.models import AuditEntry, RecoveryCode, SecondFactor, Session, User
from tests.factories import auth as people
from tests.factories.auth import LAPTOP, PASSWORD, PHONE, make_user, sign_in
from tests.factories.factors import STEP, code_of, turn_on
from tests.support import published
from veza.kit.context import Client

pytestmark = pytest.mark.django_db

LOGIN = "/api/v1/auth/login"
SETUP = "/api/v1/auth/2fa/setup"
CONFIRM = "/api/v1/auth/2fa/confirm"
TWO_FACTOR = "/api/v1/auth/2fa"
CODES = "/api/v1/auth/2fa/recovery-codes"
STEP_UP = "/api/v1/auth/step-up"
ME = "/api/v1/users/me"
HOSTILE: list[object] = [None, [], {}, 123456, True, "1" * 65, "1" * 1_000_000]


@pytest.fixture(autouse=True)
def _many_tries(settings):
    settings.RATE_LIMIT_LOGIN_PER_MINUTE = 100


def client_of(user: User, *, client: Client = PHONE) -> APIClient:
    api = people.client_of(user, client=client)
    api.default_format = "json"
    return api


def log_in(login: str, otp: str | None = None) -> Any:
    body = {"login": login, "password": PASSWORD} | ({} if otp is None else {"otp": otp})
    return APIClient().post(LOGIN, body, format="json")


def told(response: Any) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "") if response.content else ""


def actions(user: User) -> list[str]:
    entries = AuditEntry.objects.filter(user_id=user.id).order_by("at", "id")
    return list(entries.values_list("action", flat=True))


def let_time_pass() -> None:
    Session.objects.update(stepped_up_at=timezone.now() - timedelta(minutes=10, seconds=1))


class TestSetup:
    def test_gives_what_an_app_reads_and_turns_on_by_a_code(self):
        user = make_user(username="ada")
        client = client_of(user)

        response = client.post(SETUP)
        assert response.status_code == 200
        assert response["Cache-Control"] == "no-store"
        setup = response.json()
        assert setup.keys() == {"secret", "otpauth_url", "qr_svg"}
        url = urlsplit(setup["otpauth_url"])
        assert (url.scheme, url.netloc, url.path) == ("otpauth", "totp", "/Veza%3Aada")
        assert parse_qs(url.query) == {"secret": [setup["secret"]], "issuer": ["Veza"]}
        assert ElementTree.fromstring(setup["qr_svg"]).tag.endswith("svg")  # noqa: S314 - our own
        assert client.get(ME).json()["two_factor"] is False
        assert log_in("ada").status_code == 200  # nothing is on before it is confirmed

        answer = client.post(CONFIRM, {"code": code_of(setup["secret"], at=timezone.now())})
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store"
        codes = answer.json()["recovery_codes"]
        assert len(set(codes)) == 10
        assert client.get(ME).json()["two_factor"] is True
        assert told(log_in("ada")) == (401, "otp_required")
        assert told(client.post(SETUP)) == (409, "two_factor_on")
        assert told(client.post(CONFIRM, {"code": "123456"})) == (409, "two_factor_on")

    def test_ends_the_other_sessions_and_tells_about_it(self):
        user = make_user()
        client, other = client_of(user), client_of(user, client=LAPTOP)
        secret = client.post(SETUP).json()["secret"]

        client.post(CONFIRM, {"code": code_of(secret, at=timezone.now())})

        assert client.get(ME).status_code == 200
        assert other.get(ME).status_code == 401
        assert [fact["reason"] for fact in published(SessionRevoked)] == ["factor_changed"]
        assert [fact["changed"] for fact in published(UserUpdated)] == [["two_factor"]]
        assert "two_factor.on" in actions(user)

    def test_keeps_no_secret_that_could_be_read(self):
        user = make_user()
        secret, codes = turn_on(user)

        stored = SecondFactor.objects.get().secret + "".join(
            RecoveryCode.objects.values_list("code_hash", flat=True)
        )
        details = str(list(AuditEntry.objects.values_list("details", flat=True)))
        for private in (secret, codes[0], codes[0].replace("-", "")):
            assert private.lower() not in stored.lower()
            assert private not in details

    def test_replaces_a_secret_that_was_not_confirmed(self):
        client = client_of(make_user())
        old, new = (client.post(SETUP).json()["secret"] for _ in range(2))

        assert told(client.post(CONFIRM, {"code": code_of(old, at=timezone.now())})) == (
            401,
            "otp_invalid",
        )
        assert client.post(CONFIRM, {"code": code_of(new, at=timezone.now())}).status_code == 200

    def test_needs_something_to_confirm(self):
        assert told(client_of(make_user()).post(CONFIRM, {"code": "123456"})) == (
            409,
            "two_factor_off",
        )

    @pytest.mark.parametrize("code", HOSTILE)
    def test_refuses_what_has_the_wrong_form(self, code):
        client = client_of(make_user())
        client.post(SETUP)

        assert client.post(CONFIRM, {"code": code}, format="json").status_code in (400, 413)
        assert client.get(ME).json()["two_factor"] is False


class TestLogin:
    def test_takes_each_code_once_and_none_that_is_older(self):
        user = make_user(username="ada")
        secret, _ = turn_on(user)
        now = timezone.now()
        code = code_of(secret, at=now)

        assert log_in("ada", code).status_code == 200
        assert told(log_in("ada", code)) == (401, "otp_invalid")
        assert told(log_in("ada", code_of(secret, at=now - STEP))) == (401, "otp_invalid")

    def test_takes_the_neighbours_of_the_present_code_and_no_others(self):
        user = make_user(username="ada")
        secret, _ = turn_on(user, at=timezone.now() - timedelta(hours=1))
        now = timezone.now()

        assert told(log_in("ada", code_of(secret, at=now - 3 * STEP))) == (401, "otp_invalid")
        assert told(log_in("ada", code_of(secret, at=now + 3 * STEP))) == (401, "otp_invalid")
        assert log_in("ada", code_of(secret, at=now + STEP)).status_code == 200

    def test_does_not_take_the_code_that_confirmed(self):
        user = make_user(username="ada")
        secret, _ = turn_on(user, at=timezone.now())

        assert told(log_in("ada", code_of(secret, at=timezone.now()))) == (401, "otp_invalid")

    def test_says_nothing_of_the_factor_to_who_does_not_know_the_password(self):
        user = make_user(username="ada")
        secret, _ = turn_on(user)
        for otp in ("", "000000", code_of(secret, at=timezone.now())):
            body = {"login": "ada", "password": "wrong wrong wrong", "otp": otp}
            response = APIClient().post(LOGIN, body, format="json")
            assert told(response) == (401, "invalid_credentials")
        assert SecondFactor.objects.get().failures == 0

    @pytest.mark.parametrize(
        "code",
        [
            "\u0661\u0662\u0663\u0664\u0665\u0666",
            "\uff11\uff12\uff13\uff14\uff15\uff16",
            "12345",
            "1234567",
            "+12345",
            "1e5",
            "0x1234",
            "-12345",
            "a",
        ],
    )
    def test_refuses_what_is_no_code(self, code):
        make = make_user(username="ada")
        turn_on(make)

        assert told(log_in("ada", code)) == (401, "otp_invalid")

    def test_takes_no_digits_of_other_scripts(self):
        user = make_user(username="ada")
        secret, _ = turn_on(user)
        code = code_of(secret, at=timezone.now())
        arabic = code.translate({ord(str(digit)): 0x660 + digit for digit in range(10)})

        assert told(log_in("ada", arabic)) == (401, "otp_invalid")
        assert log_in("ada", f"{code[:3]} {code[3:]}").status_code == 200

    @pytest.mark.parametrize("code", HOSTILE)
    def test_refuses_what_has_the_wrong_form(self, code):
        turn_on(make_user(username="ada"))
        body = {"login": "ada", "password": PASSWORD, "otp": code}

        response = APIClient().post(LOGIN, body, format="json")

        assert response.status_code in (400, 413)

    def test_is_locked_after_five_wrong_codes_for_a_time(self, time_machine_at):
        user = make_user(username="ada")
        secret, recovery = turn_on(user, at=timezone.now() - timedelta(hours=1))
        answers = [told(log_in("ada", "000000" if n else "999999")) for n in range(5)]
        assert answers == [(401, "otp_invalid")] * 5

        refused = log_in("ada", code_of(secret, at=timezone.now()))
        assert told(refused) == (429, "otp_locked")
        assert 290 < int(refused["Retry-After"]) <= 301
        assert log_in("ada", recovery[0]).status_code == 200  # cannot be guessed, so it unlocks
        assert log_in("ada", code_of(secret, at=timezone.now())).status_code == 200
        assert "two_factor.locked" in actions(user)

    def test_opens_again_after_the_time_and_waits_longer_each_time(self, time_machine_at):
        user = make_user(username="ada")
        secret, _ = turn_on(user, at=timezone.now() - timedelta(hours=1))
        start = timezone.now()
        for _ in range(5):
            log_in("ada", "000000")
        with time_machine_at(start + timedelta(minutes=6)):
            assert told(log_in("ada", "000000")) == (401, "otp_invalid")
            refused = log_in("ada", code_of(secret, at=timezone.now()))
            assert told(refused) == (429, "otp_locked")
            assert 500 < int(refused["Retry-After"]) <= 601
        with time_machine_at(start + timedelta(minutes=20)):
            assert log_in("ada", code_of(secret, at=timezone.now())).status_code == 200
        assert SecondFactor.objects.get().failures == 0


class TestRecoveryCodes:
    def test_sign_in_once_each_however_they_are_written(self):
        user = make_user(username="ada")
        _, codes = turn_on(user)

        assert log_in("ada", codes[0]).status_code == 200
        assert told(log_in("ada", codes[0])) == (401, "otp_invalid")
        assert log_in("ada", codes[1].replace("-", " ").upper()).status_code == 200
        assert actions(user).count("recovery_code.used") == 2

    def test_work_for_nobody_else(self):
        _, codes = turn_on(make_user())
        turn_on(make_user(username="eve"))

        assert told(log_in("eve", codes[0])) == (401, "otp_invalid")

    def test_are_replaced_as_a_whole(self):
        user = make_user(username="ada")
        _, old = turn_on(user)
        response = client_of(user).post(CODES)

        assert response.status_code == 200
        assert response["Cache-Control"] == "no-store"
        new = response.json()["recovery_codes"]
        assert len(new) == 10
        assert told(log_in("ada", old[0])) == (401, "otp_invalid")
        assert log_in("ada", new[0]).status_code == 200

    def test_are_of_no_use_without_a_factor(self):
        assert told(client_of(make_user()).post(CODES)) == (409, "two_factor_off")


class TestTurnOff:
    def test_needs_both_factors_and_ends_the_other_sessions(self):
        user = make_user(username="ada")
        secret, codes = turn_on(user)
        client, other = client_of(user), client_of(user, client=LAPTOP)
        code = code_of(secret, at=timezone.now())

        wrong = client.delete(TWO_FACTOR, {"password": "wrong wrong wrong", "code": code})
        assert told(wrong) == (401, "invalid_credentials")
        wrong = client.delete(TWO_FACTOR, {"password": PASSWORD, "code": "000000"})
        assert told(wrong) == (401, "otp_invalid")
        assert client.get(ME).json()["two_factor"] is True
        right = client.delete(TWO_FACTOR, {"password": PASSWORD, "code": code})
        assert right.status_code == 204

        assert client.get(ME).json()["two_factor"] is False
        assert other.get(ME).status_code == 401
        assert log_in("ada").status_code == 200
        assert RecoveryCode.objects.count() == 0
        again = client.delete(TWO_FACTOR, {"password": PASSWORD, "code": codes[0]})
        assert told(again) == (409, "two_factor_off")

    def test_makes_codes_of_the_old_secret_worthless(self):
        user = make_user(username="ada")
        old, codes = turn_on(user)
        client_of(user).delete(TWO_FACTOR, {"password": PASSWORD, "code": codes[0]})
        turn_on(user)

        assert told(log_in("ada", code_of(old, at=timezone.now()))) == (401, "otp_invalid")
        assert told(log_in("ada", codes[1])) == (401, "otp_invalid")


class TestStepUp:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("post", SETUP),
            ("delete", TWO_FACTOR),
            ("post", CODES),
            ("post", "/api/v1/auth/passkeys/register/options"),
            ("post", "/api/v1/auth/passkeys/register"),
            ("delete", "/api/v1/auth/passkeys/018cc251-f400-7000-8000-000000000001"),
        ],
    )
    def test_is_needed_ten_minutes_after_signing_in(self, method, path):
        client = client_of(make_user())
        assert told(getattr(client, method)(path))[1] != "step_up_required"
        let_time_pass()

        assert told(getattr(client, method)(path)) == (403, "step_up_required")

    def test_by_password_is_for_this_session_alone(self):
        user = make_user()
        client, other = client_of(user), client_of(user, client=LAPTOP)
        let_time_pass()

        wrong = client.post(STEP_UP, {"password": "wrong wrong wrong"})
        assert told(wrong) == (401, "invalid_credentials")
        assert told(client.post(SETUP)) == (403, "step_up_required")
        assert client.post(STEP_UP, {"password": PASSWORD}).status_code == 204

        assert client.post(SETUP).status_code == 200
        assert told(other.post(SETUP)) == (403, "step_up_required")
        assert actions(user)[-2:] == ["step_up.failed", "step_up.succeeded"]

    def test_needs_the_second_factor_where_there_is_one(self):
        user = make_user()
        secret, _ = turn_on(user)
        client = client_of(user)
        let_time_pass()
        code = code_of(secret, at=timezone.now())

        assert told(client.post(STEP_UP, {"password": PASSWORD})) == (401, "otp_required")
        assert told(client.post(STEP_UP, {"otp": "000000"})) == (401, "otp_invalid")
        assert told(client.post(CODES)) == (403, "step_up_required")
        assert client.post(STEP_UP, {"otp": code}).status_code == 204
        assert client.post(CODES).status_code == 200
        assert told(client.post(STEP_UP, {"otp": code})) == (401, "otp_invalid")

    def test_by_a_code_needs_a_factor(self):
        assert told(client_of(make_user()).post(STEP_UP, {"otp": "123456"})) == (
            409,
            "two_factor_off",
        )

    @pytest.mark.parametrize(
        "body",
        [{}, [], {"password": PASSWORD, "otp": "1"}, {"password": None}, {"credential": "x"},
         {"otp": 123456}, {"otp": []}],
    )  # fmt: skip
    def test_takes_one_proof_of_the_right_form(self, body):
        client = client_of(make_user())

        assert client.post(STEP_UP, body, format="json").status_code == 400

    def test_cannot_be_tried_without_end(self, settings):
        settings.RATE_LIMIT_LOGIN_PER_MINUTE = 3
        client = client_of(make_user())
        answers = [client.post(STEP_UP, {"password": "wrong"}).status_code for _ in range(4)]

        assert answers == [401, 401, 401, 429]

    def test_needs_somebody(self):
        assert APIClient().post(STEP_UP, {"password": PASSWORD}).status_code == 401


def test_a_session_that_was_refreshed_has_not_proven_itself_again():
    tokens = sign_in(make_user()).tokens
    let_time_pass()
    refreshed = (
        APIClient().post("/api/v1/auth/refresh", {"refresh": tokens.refresh}, format="json").json()
    )
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {refreshed['access']}")

    assert told(client.post(SETUP)) == (403, "step_up_required")
