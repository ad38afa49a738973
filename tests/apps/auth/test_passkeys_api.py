"""Passkeys over HTTP, and what strangers may send. Chromium makes real ones in tests/browser."""

import base64
import json

import pytest
from rest_framework.test import APIClient

from apps.auth.models import Passkey, PasskeyChallenge, Session, User
from tests.factories.auth import client_of, make_user

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/auth/passkeys"


def encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def client_data(challenge: str, kind: str) -> str:
    data = {"type": kind, "challenge": challenge, "origin": "http://localhost:8000"}
    return encode(json.dumps(data).encode())


def forged(challenge: str, **response: object) -> dict[str, object]:
    """An answer to this challenge by who holds no key."""
    return {
        "id": encode(b"id"),
        "rawId": encode(b"id"),
        "type": "public-key",
        "response": {
            "clientDataJSON": client_data(challenge, "webauthn.get"),
            "authenticatorData": encode(b"\0" * 37),
            "signature": encode(b"x"),
            **response,
        },
    }


GARBAGE: list[object] = [
    {},
    {"id": 1},
    {"id": "x", "rawId": "y", "type": "public-key", "response": {}},
    {"id": "x", "rawId": "\u00e9", "type": "public-key", "response": {"clientDataJSON": "\u00e9"}},
    forged("", clientDataJSON=encode(b"[]")),
    forged("", clientDataJSON=encode(b"\xff\xff")),
    forged("", clientDataJSON=encode(b'{"type": 1, "challenge": 2, "origin": 3}')),
    forged("", clientDataJSON=encode(b"[" * 100_000)),
    forged("A" * 500_000),
    forged("AAAA", userHandle={"a": 1}),
]
NO_OBJECT: list[object] = [None, [], "x", 1, True, [{}]]


@pytest.fixture(autouse=True)
def _many_tries(settings):
    settings.RATE_LIMIT_LOGIN_PER_MINUTE = 100


@pytest.fixture
def user() -> User:
    return make_user(username="ada")


@pytest.fixture
def ada(user: User) -> APIClient:
    client = client_of(user)
    client.default_format = "json"
    return client


class TestOptions:
    def test_to_register_name_the_person_and_want_him_verified(self, ada, user):
        response = ada.post(f"{ROOT}/register/options")

        assert response.status_code == 200
        assert response["Cache-Control"] == "no-store"
        options = response.json()
        assert options["rp"] == {"name": "Veza", "id": "localhost"}
        assert options["user"]["name"] == "ada"
        assert options["user"]["id"] == encode(user.id.bytes)
        assert options["authenticatorSelection"]["userVerification"] == "required"
        assert options["authenticatorSelection"]["residentKey"] == "required"

    def test_differ_each_time_and_tell_nothing_of_anyone(self):
        first, second = (APIClient().post(f"{ROOT}/login/options").json() for _ in range(2))

        assert first.pop("challenge") != second.pop("challenge")
        assert first == second
        assert first["allowCredentials"] == []

    def test_are_limited_by_address(self, settings):
        settings.RATE_LIMIT_LOGIN_PER_MINUTE = 2
        answers = [APIClient().post(f"{ROOT}/login/options").status_code for _ in range(5)]

        assert answers == [200] * 4 + [429]

    def test_end_when_there_are_enough_passkeys(self, ada, user):
        Passkey.objects.bulk_create(
            Passkey(user=user, name="x", credential_id=f"{n:04}", public_key=b"", sign_count=0)
            for n in range(20)
        )

        response = ada.post(f"{ROOT}/register/options")

        assert (response.status_code, response.json()["code"]) == (409, "passkey_limit")


class TestStrangers:
    @pytest.mark.parametrize("credential", GARBAGE, ids=range(len(GARBAGE)))
    def test_do_not_sign_in_by_garbage(self, credential):
        response = APIClient().post(f"{ROOT}/login", {"credential": credential}, format="json")

        assert (response.status_code, response.json()["code"]) == (401, "passkey_invalid")
        assert Session.objects.count() == 0

    @pytest.mark.parametrize("credential", NO_OBJECT, ids=range(len(NO_OBJECT)))
    @pytest.mark.parametrize("path", [f"{ROOT}/login", f"{ROOT}/register", "/api/v1/auth/step-up"])
    def test_have_to_send_an_object(self, ada, path, credential):
        response = ada.post(path, {"credential": credential, "name": "x"})

        assert (response.status_code, response.json()["code"]) == (400, "invalid")

    @pytest.mark.parametrize("credential", GARBAGE, ids=range(len(GARBAGE)))
    def test_register_no_garbage(self, ada, credential):
        response = ada.post(f"{ROOT}/register", {"credential": credential, "name": "x"})

        assert (response.status_code, response.json()["code"]) == (400, "passkey_refused")
        assert Passkey.objects.count() == 0

    def test_use_up_a_challenge_by_a_wrong_answer(self):
        challenge = APIClient().post(f"{ROOT}/login/options").json()["challenge"]
        response = APIClient().post(
            f"{ROOT}/login", {"credential": forged(challenge)}, format="json"
        )

        assert response.status_code == 401
        assert PasskeyChallenge.objects.count() == 0

    @pytest.mark.parametrize("attestation", [b"", b"\xff", b"\xa0", b"\xbf" * 1000, b"\x9f" * 9999])
    def test_send_no_attestation_that_breaks_us(self, ada, attestation):
        challenge = ada.post(f"{ROOT}/register/options").json()["challenge"]
        credential = forged(
            challenge,
            clientDataJSON=client_data(challenge, "webauthn.create"),
            attestationObject=encode(attestation),
        )

        response = ada.post(f"{ROOT}/register", {"credential": credential, "name": "x"})

        assert (response.status_code, response.json()["code"]) == (400, "passkey_refused")

    @pytest.mark.parametrize("name", [None, "", " ", "x" * 101, "a\u202eb", "a\nb", 1, []])
    def test_give_no_passkey_a_bad_name(self, ada, name):
        response = ada.post(f"{ROOT}/register", {"credential": {}, "name": name})

        assert (response.status_code, response.json()["code"]) == (400, "invalid")

    @pytest.mark.parametrize("path", ["", "/register", "/register/options"])
    def test_have_to_sign_in(self, path):
        client = APIClient()
        response = client.post(ROOT + path) if path else client.get(ROOT)

        assert response.status_code == 401

    def test_see_and_remove_only_their_own(self, ada):
        theirs = Passkey.objects.create(
            user=make_user(), name="x", credential_id="AAAA", public_key=b"", sign_count=0
        )

        assert ada.get(ROOT).json()["results"] == []
        response = ada.delete(f"{ROOT}/{theirs.id}")
        assert (response.status_code, response.json()["code"]) == (404, "passkey_not_found")
        assert Passkey.objects.count() == 1
