"""ID tokens that are not what they seem, and what is believed of those that are."""

import base64
import hmac
import json
import time
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from joserfc.jwk import ECKey, RSAKey

from apps.auth.models import SocialIdentity, User
from tests.apps.auth.oidc.forger import CURVE_KEY, KEY, STRANGER, Forger
from tests.apps.auth.oidc.provider import CLIENT_ID, CLIENT_SECRET
from tests.apps.auth.oidc.steps import code_of
from tests.factories.auth import make_user

pytestmark = pytest.mark.django_db


def base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def encoded(value: object) -> str:
    return base64url(json.dumps(value).encode())


def claims_of(forger: Forger) -> dict[str, object]:
    now = int(time.time())
    told = {"iss": forger.issuer, "sub": "x", "aud": CLIENT_ID, "nonce": forger.nonce}
    return told | {"iat": now, "exp": now + 300}


class TestIdToken:
    @pytest.mark.parametrize(("alg", "key"), [("RS256", KEY), ("PS256", KEY), ("ES256", CURVE_KEY)])
    def test_is_believed_under_these_algorithms(self, forger, signed_in, alg, key):
        forger.key, forger.header = key, {"alg": alg, "kid": key.kid}

        assert signed_in().status_code == 201

    @pytest.mark.parametrize("alg", ["RS384", "RS512", "PS512"])
    def test_is_believed_under_no_other(self, forger, signed_in, alg):
        forger.header = {"alg": alg, "kid": "one"}

        assert code_of(signed_in()) == (401, "social_refused")

    @pytest.mark.parametrize(
        "secret", [KEY.as_pem(private=False), CLIENT_SECRET.encode()], ids=["public-key", "secret"]
    )
    def test_is_not_signed_by_what_others_know(self, forger, signed_in, secret):
        head = f"{encoded({'alg': 'HS256', 'kid': 'one'})}.{encoded(claims_of(forger))}"
        mac = hmac.digest(secret, head.encode(), "sha256")
        forger.raw_token = f"{head}.{base64url(mac)}"

        assert code_of(signed_in()) == (401, "social_refused")

    @pytest.mark.parametrize("alg", ["none", "None", "", None, 7])
    def test_is_signed(self, forger, signed_in, alg):
        forger.raw_token = f"{encoded({'alg': alg})}.{encoded(claims_of(forger))}."

        assert code_of(signed_in()) == (401, "social_refused")

    @pytest.mark.parametrize("token", ["", "x", "a.b.c", "....", "\u00e9.\u00e9.\u00e9"])
    def test_is_a_token(self, forger, signed_in, token):
        forger.raw_token = token

        assert code_of(signed_in()) == (401, "social_refused")

    @pytest.mark.parametrize(
        ("key", "header"),
        [
            (STRANGER, {"alg": "RS256", "kid": "one"}),
            (STRANGER, {"alg": "RS256", "kid": "three"}),
            (STRANGER, {"alg": "RS256"}),
            (STRANGER, {"alg": "RS256", "jwk": STRANGER.as_dict(private=False)}),
            (STRANGER, {"alg": "RS256", "kid": "one", "jku": "https://evil.example/keys"}),
            (CURVE_KEY, {"alg": "ES256", "kid": "one"}),
            (KEY, {"alg": "RS256", "kid": "two"}),
            (ECKey.generate_key("P-256"), {"alg": "ES256", "kid": "two"}),
        ],
    )
    def test_is_signed_by_the_key_that_it_names(self, forger, signed_in, key, header):
        forger.key, forger.header = key, header

        assert code_of(signed_in()) == (401, "social_refused")
        assert not User.objects.exists()

    @pytest.mark.parametrize(
        "claims",
        [
            {"iss": "https://evil.example"},
            {"iss": ["x"]},
            {"aud": "another client"},
            {"aud": ["another client"]},
            {"aud": []},
            {"aud": [CLIENT_ID, "another client"]},
            {"aud": [CLIENT_ID, "another client"], "azp": "another client"},
            {"azp": "another client"},
            {"nonce": "another"},
            {"nonce": ""},
            {"nonce": None},
            {"exp": int(time.time()) - 120},
            {"exp": "soon"},
            {"exp": 1e400},
            {"iat": int(time.time()) + 3600},
            {"iat": int(time.time()) - 3600},
            {"iat": True},
            {"nbf": int(time.time()) + 3600},
            {"sub": ""},
            {"sub": 7},
            {"sub": "x" * 256},
            {"sub": "nul\x00"},
            {"sub": "\u00e9"},
            {"at_hash": "wrong"},
        ],
        ids="-".join,
    )
    def test_is_about_us_now_and_this_attempt(self, forger, signed_in, claims):
        forger.claims = claims

        assert code_of(signed_in()) == (401, "social_refused")
        assert not User.objects.exists()

    @pytest.mark.parametrize("claim", ["iss", "sub", "aud", "exp", "iat", "nonce"])
    def test_leaves_nothing_out(self, forger, signed_in, claim):
        forger.left_out = {claim}

        assert code_of(signed_in()) == (401, "social_refused")

    def test_may_have_several_audiences_when_we_are_the_authorized_party(self, forger, signed_in):
        forger.claims = {"aud": [CLIENT_ID, "another client"], "azp": CLIENT_ID}

        assert signed_in().status_code == 201

    def test_may_be_signed_by_a_key_that_is_new(self, forger, signed_in):
        assert signed_in().status_code == 201
        forger.key = RSAKey.generate_key(2048, {"kid": "next"})
        forger.keys, forger.header = [forger.key], {"alg": "RS256", "kid": "next"}

        with time_machine.travel(timezone.now() + timedelta(minutes=2)):
            assert signed_in().status_code == 200


class TestPerson:
    def test_is_known_by_issuer_and_subject_alone(self, forger, signed_in):
        assert signed_in().status_code == 201
        forger.claims = {"email": "moved@example.org", "preferred_username": "other"}

        assert signed_in().status_code == 200
        assert User.objects.get().email == "some@example.org"

    def test_is_another_under_another_subject(self, forger, signed_in):
        signed_in()
        forger.claims = {"sub": "another"}

        assert code_of(signed_in()) == (409, "account_exists")

    def test_is_another_at_another_issuer(self, forger, signed_in):
        user = make_user()
        SocialIdentity.objects.create(user=user, issuer="https://x.example", subject="somebody")

        assert signed_in().json()["user"]["id"] != str(user.id)

    @pytest.mark.parametrize("told", ["true", 1, None, "false", False])
    def test_has_a_verified_address_only_when_the_provider_says_true(self, forger, signed_in, told):
        forger.claims = {"email_verified": told}

        assert signed_in().json()["user"]["email_verified"] is False

    def test_is_told_by_userinfo_where_the_token_says_little(self, forger, signed_in):
        forger.left_out = {"email", "email_verified"}
        forger.userinfo |= {"email": "more@example.org", "email_verified": True}

        user = signed_in().json()["user"]

        assert (user["email"], user["email_verified"]) == ("more@example.org", True)

    @pytest.mark.parametrize("userinfo", [{"sub": "other", "email": "x@example.org"}, {}, [], "x"])
    def test_is_not_who_userinfo_tells_of(self, forger, signed_in, userinfo):
        forger.left_out, forger.userinfo = {"email"}, userinfo

        assert code_of(signed_in()) == (401, "social_refused")

    @pytest.mark.parametrize(
        "email", ["x", "a@b", "a\x00@example.org", ["a@example.org"], f"{'a' * 250}@example.org"]
    )
    def test_has_an_address_that_is_one(self, forger, signed_in, email):
        forger.claims = {"email": email}
        forger.userinfo = {"sub": "somebody"}

        response = signed_in()

        if response.status_code == 201:
            assert response.json()["user"]["email"] == "a@example.org"
        else:
            assert code_of(response) == (401, "social_refused")

    @pytest.mark.parametrize(
        ("claims", "username", "display_name"),
        [
            ({"preferred_username": "Zo\u00eb K."}, "Zoe-K", "Zoe-K"),
            (
                {"preferred_username": "zoe@corp.example", "name": "Zo\u202e\u00eb"},
                "zoe",
                "Zo\u00eb",
            ),
            ({"preferred_username": "\u5f20\u4f1f"}, "some", "some"),
            ({"preferred_username": {"a": 1}, "name": ["x"]}, "some", "some"),
            ({"preferred_username": "x" * 500}, "x" * 40, "x" * 40),
            ({"email": "x@example.org"}, "user", "user"),
        ],
    )
    def test_gets_a_name_that_is_one(self, forger, signed_in, claims, username, display_name):
        forger.claims = claims

        user = signed_in().json()["user"]

        assert (user["username"], user["display_name"]) == (username, display_name)
