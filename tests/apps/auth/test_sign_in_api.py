"""Registering, signing in, refreshing and signing out over HTTP."""

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.auth.models import Session, User
from tests.factories.auth import LAPTOP, PASSWORD, client_of, make_user, sign_in

pytestmark = pytest.mark.django_db

REGISTER = "/api/v1/auth/register"
LOGIN = "/api/v1/auth/login"
REFRESH = "/api/v1/auth/refresh"
LOGOUT = "/api/v1/auth/logout"
ME = "/api/v1/users/me"
ADA = {"username": "ada", "email": "Ada@Example.org", "password": PASSWORD}


@pytest.fixture
def client(api_client: APIClient) -> APIClient:
    api_client.default_format = "json"
    return api_client


def post(client: APIClient, path: str, body: object, **headers: str) -> Any:
    return client.post(path, body, format="json", headers=headers)


def faults(response: Any) -> set[tuple[str, str]]:
    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/problem+json"
    return {(fault["field"], fault["code"]) for fault in response.json()["errors"]}


class TestRegister:
    def test_answers_with_the_user_and_working_tokens(self, client):
        response = post(client, REGISTER, ADA)

        assert response.status_code == 201
        assert response["Location"] == ME
        assert response["Cache-Control"] == "no-store"
        body = response.json()
        assert body.keys() == {"user", "access", "refresh", "expires_in"}
        assert body["expires_in"] == 900
        user = body["user"]
        assert user == {
            "id": str(User.objects.get().id),
            "username": "ada",
            "email": "Ada@example.org",
            "email_verified": False,
            "display_name": "ada",
            "bio": "",
            "avatar_url": None,
            "avatars": None,
            "banner_url": None,
            "banners": None,
            "location": "",
            "links": [],
            "roles": ["listener", "creator"],
            "two_factor": False,
            "created_at": user["created_at"],
        }
        assert user["created_at"].endswith("Z")
        me = client.get(ME, headers={"Authorization": f"Bearer {body['access']}"})
        assert me.json() == user
        assert post(client, REFRESH, {"refresh": body["refresh"]}).status_code == 200

    def test_names_both_what_is_taken(self, client):
        make_user(username="ADA", email="other@example.org")
        make_user(username="other", email="ada@example.org")

        assert faults(post(client, REGISTER, ADA)) == {
            ("username", "username_taken"),
            ("email", "email_taken"),
        }

    def test_names_a_weak_password(self, client):
        assert ("password", "password_too_short") in faults(
            post(client, REGISTER, ADA | {"password": "short"})
        )
        assert User.objects.count() == 0

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("username", "ab"),
            ("username", "a" * 51),
            ("username", "a b c"),
            ("username", "ada@example"),
            ("username", "àda"),
            ("username", "ada\n"),
            ("username", " ada"),
            ("username", ""),
            ("username", None),
            ("username", 12345),
            ("username", ["ada"]),
            ("email", "ada"),
            ("email", "a@" + "b" * 250 + ".org"),
            ("email", 7),
            ("password", "x" * 1025),
            ("password", {}),
            ("password", 123456789012),
        ],
    )
    def test_refuses_what_has_the_wrong_form(self, client, field, value):
        assert {name for name, _ in faults(post(client, REGISTER, ADA | {field: value}))} == {field}

    @pytest.mark.parametrize("field", ["username", "email", "password"])
    def test_needs_every_field(self, client, field):
        body = {name: value for name, value in ADA.items() if name != field}

        assert faults(post(client, REGISTER, body)) == {(field, "required")}

    @pytest.mark.parametrize("body", [[], "x", 1, None])
    def test_needs_an_object(self, client, body):
        assert post(client, REGISTER, body).status_code == 400

    def test_gives_nobody_more_than_he_should_have(self, client):
        more = {"is_staff": True, "is_superuser": True, "roles": ["admin"], "id": 1}

        post(client, REGISTER, ADA | more)

        user = User.objects.get()
        assert (user.is_staff, user.is_superuser) == (False, False)
        assert user.roles == ("listener", "creator")

    def test_happens_once_for_one_idempotency_key(self, client):
        first = post(client, REGISTER, ADA, **{"Idempotency-Key": "k1"})
        again = post(client, REGISTER, ADA, **{"Idempotency-Key": "k1"})
        other = post(client, REGISTER, ADA | {"username": "b"}, **{"Idempotency-Key": "k1"})

        assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
        assert again.json() == first.json()
        assert again["Idempotent-Replayed"] == "true"
        assert Session.objects.count() == 1

    def test_is_limited_per_address(self, client, settings):
        settings.RATE_LIMIT_LOGIN_PER_MINUTE = 2
        for number in range(2):
            post(client, REGISTER, {"username": f"user{number}", "email": f"{number}@example.org",
                                    "password": PASSWORD})  # fmt: skip

        response = post(client, REGISTER, ADA)

        assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
        assert int(response["Retry-After"]) > 0

    def test_heeds_no_stale_token(self, client):
        response = post(client, REGISTER, ADA, Authorization="Bearer stale")

        assert response.status_code == 201


class TestText:
    @pytest.mark.parametrize("evil", [r"\u0000", r"\ud800"], ids=["NUL", "lone surrogate"])
    @pytest.mark.parametrize("path", [REGISTER, LOGIN, REFRESH, ME])
    def test_that_cannot_be_stored_is_refused(self, path, evil):
        body = dict.fromkeys(("login", "password", "refresh", "bio", *ADA), "some text EVIL")
        client = client_of(make_user())
        send = client.patch if path == ME else client.post

        response = send(
            path, json.dumps(body).replace("EVIL", evil), content_type="application/json"
        )

        assert response.status_code == 400
        assert response["Content-Type"] == "application/problem+json"


class TestLogin:
    @pytest.mark.parametrize("login", ["ada", "ADA", "ada@example.org"])
    def test_opens_a_session(self, client, login):
        user = make_user(username="ada")

        response = post(client, LOGIN, {"login": login, "password": PASSWORD})

        assert response.status_code == 200
        assert response["Cache-Control"] == "no-store"
        assert response.json()["user"]["id"] == str(user.id)
        assert response.json().keys() == {"user", "access", "refresh", "expires_in"}

    def test_tells_nothing_about_who_exists(self, client):
        make_user(username="known")
        make_user(username="inactive", is_active=False)
        unusable = make_user(username="unusable")
        unusable.set_unusable_password()
        unusable.save()

        answers = []
        for login in ("known", "inactive", "unusable", "missing", "missing@example.org"):
            response = post(
                client, LOGIN, {"login": login, "password": "wrong wrong"}, **{"X-Request-ID": "r"}
            )
            headers = {
                name: value
                for name, value in response.items()
                if not name.startswith("X-RateLimit")
            }
            answers.append((response.status_code, response.json(), headers))

        assert answers[0][0] == 401
        assert answers[0][1]["code"] == "invalid_credentials"
        assert answers[0][2]["WWW-Authenticate"].startswith("Bearer")
        assert answers[1:] == answers[:1] * 4

    def test_takes_an_otp_that_is_not_needed(self, client):
        make_user(username="ada")

        response = post(client, LOGIN, {"login": "ada", "password": PASSWORD, "otp": "123456"})

        assert response.status_code == 200

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"login": "ada"},
            {"login": ["ada"], "password": PASSWORD},
            {"login": "x" * 256, "password": PASSWORD},
            {"login": "ada", "password": "x" * 1025},
            {"login": "ada", "password": 7},
        ],
    )
    def test_refuses_what_has_the_wrong_form(self, client, body):
        assert faults(post(client, LOGIN, body))

    def test_is_limited_per_address_whoever_is_tried(self, client, settings):
        settings.RATE_LIMIT_LOGIN_PER_MINUTE = 3
        statuses = [
            post(client, LOGIN, {"login": f"user{number}", "password": "wrong"}).status_code
            for number in range(4)
        ]

        assert statuses == [401, 401, 401, 429]

    def test_is_limited_per_account_wherever_the_tries_come_from(self, settings):
        settings.RATE_LIMIT_LOGIN_PER_MINUTE = 2
        make_user(username="victim")
        statuses = [
            APIClient(REMOTE_ADDR=f"203.0.113.{number}")
            .post(LOGIN, {"login": "victim", "password": "wrong"}, format="json")
            .status_code
            for number in range(5)
        ]

        assert statuses == [401, 401, 401, 401, 429]

    def test_is_not_kept_from_the_owner_by_an_attacker_elsewhere(self, settings):
        settings.RATE_LIMIT_LOGIN_PER_MINUTE = 2
        make_user(username="victim")
        attacker = APIClient(REMOTE_ADDR="203.0.113.1")
        for _ in range(9):
            attacker.post(LOGIN, {"login": "victim", "password": "wrong"}, format="json")

        response = APIClient(REMOTE_ADDR="192.0.2.77").post(
            LOGIN, {"login": "victim", "password": PASSWORD}, format="json"
        )

        assert response.status_code == 200

    def test_is_open_to_the_owner_at_home_while_many_attack(self, settings):
        settings.RATE_LIMIT_LOGIN_PER_MINUTE = 2
        sign_in(make_user(username="victim"), client=LAPTOP)
        for number in range(8):
            APIClient(REMOTE_ADDR=f"203.0.113.{number}").post(
                LOGIN, {"login": "victim", "password": "wrong"}, format="json"
            )

        def status_from(address: str) -> int:
            body = {"login": "victim", "password": PASSWORD}
            return APIClient(REMOTE_ADDR=address).post(LOGIN, body, format="json").status_code

        assert status_from("192.0.2.99") == 429
        assert status_from(LAPTOP.address) == 200


class TestRefresh:
    def test_rotates(self, client):
        first = sign_in(make_user()).tokens

        response = post(client, REFRESH, {"refresh": first.refresh}, **{"User-Agent": "x"})
        again = post(client, REFRESH, {"refresh": first.refresh}, **{"User-Agent": "x"})
        stolen = post(client, REFRESH, {"refresh": first.refresh}, **{"User-Agent": "y"})

        assert response.status_code == 200
        assert response["Cache-Control"] == "no-store"
        assert response.json().keys() == {"access", "refresh", "expires_in"}
        assert again.json() == response.json()
        assert (stolen.status_code, stolen.json()["code"]) == (401, "refresh_reused")
        for token in (first.access, response.json()["access"]):
            me = client.get(ME, headers={"Authorization": f"Bearer {token}"})
            assert (me.status_code, me.json()["code"]) == (401, "token_invalid")
        newest = post(client, REFRESH, {"refresh": response.json()["refresh"]})
        assert newest.status_code == 401

    @pytest.mark.parametrize("token", ["x", "a.b.c", "e30.e30.e30"])
    def test_refuses_what_is_no_token(self, client, token):
        response = post(client, REFRESH, {"refresh": token})

        assert (response.status_code, response.json()["code"]) == (401, "token_invalid")

    @pytest.mark.parametrize("body", [{}, {"refresh": None}, {"refresh": 1}, {"refresh": ""}])
    def test_needs_a_string(self, client, body):
        assert faults(post(client, REFRESH, body))

    def test_does_as_little_as_it_can(self, client, django_assert_max_num_queries):
        token = sign_in(make_user()).tokens.refresh

        with django_assert_max_num_queries(8):  # two of them are the savepoint of this test
            assert post(client, REFRESH, {"refresh": token}).status_code == 200


class TestLogout:
    def test_stops_both_tokens_of_this_session_at_once(self, client):
        user = make_user()
        tokens, others = sign_in(user).tokens, sign_in(user).tokens
        headers = {"Authorization": f"Bearer {tokens.access}"}

        assert client.post(LOGOUT, headers=headers).status_code == 204

        assert client.get(ME, headers=headers).status_code == 401
        assert client.post(LOGOUT, headers=headers).status_code == 401
        refreshed = post(client, REFRESH, {"refresh": tokens.refresh})
        assert (refreshed.status_code, refreshed.json()["code"]) == (401, "token_invalid")
        assert (
            client.get(ME, headers={"Authorization": f"Bearer {others.access}"}).status_code == 200
        )

    def test_needs_a_token(self, client):
        assert client.post(LOGOUT).json()["code"] == "not_authenticated"
