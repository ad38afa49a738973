"""Which tokens are believed. Each attack of the table must end as 401, and none as 500."""

import base64
import hashlib
import hmac
import json
import math
import time
from typing import Any

import jwt
import pytest
from django.core.signing import Signer
from django.test import RequestFactory

from apps.auth.api.authentication import rate_limit_identity
from apps.auth.errors import TokenExpiredError, TokenInvalidError
from apps.auth.models import User
from apps.auth.services.tokens import LEEWAY_S, _backend, read_token
from apps.auth.types import TokenType
from tests.factories.auth import client_of, make_user, sign_in

pytestmark = pytest.mark.django_db

ME = "/api/v1/users/me"


def segment(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def key(settings: Any) -> bytes:
    return str(_backend(settings.SECRET_KEY).signing_key).encode()


def signed(header: object, payload: object, secret: bytes, digest: str = "sha256") -> str:
    """A JWS of these parts with a right HMAC, however odd they are."""
    text = f"{segment(header)}.{segment(payload)}"
    mac = hmac.new(secret, text.encode(), digest).digest()
    return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


@pytest.fixture
def user() -> User:
    return make_user()


@pytest.fixture
def access(user: User) -> str:
    return sign_in(user).tokens.access


@pytest.fixture
def claims(access: str) -> dict[str, Any]:
    decoded: dict[str, Any] = jwt.decode(access, options={"verify_signature": False})
    return decoded


def answer(api_client, token: str):
    return api_client.get(ME, HTTP_AUTHORIZATION=f"Bearer {token}")


def assert_refused(response, code: str = "token_invalid") -> None:
    assert response.status_code == 401, response.content[:300]
    assert response["Content-Type"] == "application/problem+json"
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert response.json()["code"] == code


HS256 = {"alg": "HS256", "typ": "JWT"}


class TestClaims:
    def test_are_those_that_clients_may_rely_on(self, user, claims):
        assert claims["iss"] == "veza"
        assert claims["aud"] == "veza-api"
        assert claims["sub"] == claims["user_id"] == str(user.id)
        assert (claims["username"], claims["ver"]) == (user.username, 1)
        assert claims["roles"] == ["listener", "creator"]
        assert claims["exp"] - claims["iat"] == 900
        assert {"jti", "sid", "token_type"} <= claims.keys()

    def test_are_signed_with_a_key_for_tokens_alone(self, settings, access):
        secret = settings.SECRET_KEY.encode()
        for other in (secret, hashlib.sha256(secret).digest(), str(Signer().key).encode()):
            with pytest.raises(jwt.InvalidSignatureError):
                jwt.decode(access, other, algorithms=["HS256"], audience="veza-api")


class TestHeader:
    @pytest.mark.parametrize("alg", ["none", "None", "nOnE", "NONE", "", "HS384", "HS512", "RS256"])
    def test_of_another_algorithm_is_refused(self, api_client, settings, claims, alg):
        header = {"alg": alg, "typ": "JWT"}

        assert_refused(answer(api_client, f"{segment(header)}.{segment(claims)}."))
        assert_refused(answer(api_client, signed(header, claims, key(settings))))
        assert_refused(answer(api_client, signed(header, claims, key(settings), "sha512")))

    @pytest.mark.parametrize(
        "extra",
        [
            {"kid": "../../../../dev/null"},
            {"kid": "' UNION SELECT 'x"},
            {"kid": ["a"]},
            {"kid": "1"},
            {"jku": "https://evil.example/jwks"},
            {"x5u": "https://evil.example/"},
            {"x5c": ["MIIB"]},
            {"jwk": {"kty": "oct", "k": "c2VjcmV0"}},
            {"crit": ["b64"], "b64": False},
            {"b64": False},
            {"cty": "JWT"},
            {"zip": "DEF"},
        ],
        ids="+".join,
    )
    def test_that_says_more_than_ours_is_refused(self, api_client, settings, claims, extra):
        assert_refused(answer(api_client, signed(HS256 | extra, claims, key(settings))))

    @pytest.mark.parametrize(
        "header", ["[" * 60, "null", "[]", '"HS256"', "{", "[" * 3000, '{"alg":"HS256"}', "1e999"]
    )
    def test_that_is_none_is_refused(self, api_client, settings, claims, header):
        assert_refused(answer(api_client, signed(header, claims, key(settings))))

    def test_in_which_a_name_stands_twice_is_judged_by_the_last(self, api_client, claims):
        header = '{"alg":"HS256","alg":"none","typ":"JWT"}'

        assert_refused(answer(api_client, f"{segment(header)}.{segment(claims)}."))


class TestSignature:
    @pytest.mark.parametrize(
        "change",
        [
            lambda head, body, mac: f"{head}.{body}.",
            lambda head, body, mac: f"{head}.{body}",
            lambda head, body, mac: f"{head}.{body}.{mac[:-4]}",
            lambda head, body, mac: f"{head}.{body}.{'A' * len(mac)}",
            lambda head, body, mac: f"{head}.{body}.{mac}.{mac}.{mac}",
            lambda head, body, mac: f"{head}..{mac}",
            lambda head, body, mac: f"{head}.{body[:-2]}AA.{mac}",
            lambda head, body, mac: f"{head}.{body}.{mac}=",
            lambda head, body, mac: "x" * 100_000,
            lambda head, body, mac: f"{head}.{body}.{'x' * 100_000}",
            lambda head, body, mac: "veza",
            lambda head, body, mac: f"{head}.{body}.{mac}, Bearer {head}.{body}.{mac}",
            lambda head, body, mac: f"{head}.{body}.{mac} x",
            lambda head, body, mac: "",
        ],
    )
    def test_that_does_not_fit_is_refused(self, access, change):
        request = RequestFactory().get(
            "/", HTTP_AUTHORIZATION=f"Bearer {change(*access.split('.'))}"
        )

        assert rate_limit_identity(request) is None

    def test_of_100_kb_is_refused(self, api_client):
        response = answer(api_client, "x" * 20_000)

        assert_refused(response)

    def test_of_a_changed_payload_is_refused(self, api_client, access, claims):
        head, _, mac = access.split(".")
        body = segment(claims | {"roles": ["admin"]})

        assert_refused(answer(api_client, f"{head}.{body}.{mac}"))


class TestPayload:
    @pytest.mark.parametrize(
        "change",
        [
            {"aud": "veza-chat"},
            {"aud": ["veza-api", "x"]},
            {"aud": None},
            {"iss": "evil"},
            {"iss": None},
            {"exp": None},
            {"exp": "9999999999"},
            {"exp": 9999999999.5},
            {"exp": 10**30},
            {"exp": math.nan},
            {"exp": math.inf},
            {"iat": True},
            {"iat": None},
            {"iat": "1"},
            {"iat": 10**11},
            {"iat": -(10**30)},
            {"nbf": 10**11},
            {"jti": None},
            {"jti": "not a uuid"},
            {"jti": 7},
            {"sub": None},
            {"sub": 7},
            {"sub": "00000000-0000-7000-8000-000000000000"},
            {"user_id": None},
            {"sid": None},
            {"sid": "x"},
            {"sid": "00000000-0000-7000-8000-000000000000"},
            {"ver": 2},
            {"ver": "1"},
            {"ver": True},
            {"ver": None},
            {"roles": "admin"},
            {"roles": [1]},
            {"roles": None},
            {"token_type": "refresh"},
            {"token_type": "reset"},
            {"token_type": None},
            {"token_type": ["access"]},
        ],
        ids=str,
    )
    def test_that_is_wrong_is_refused_though_the_signature_fits(
        self, api_client, settings, claims, change
    ):
        payload = {name: value for name, value in (claims | change).items() if value is not None}

        assert_refused(answer(api_client, signed(HS256, payload, key(settings))))

    @pytest.mark.parametrize("payload", ["null", "[]", "1", '"x"', "{", "[" * 1000, "\x00"])
    def test_that_is_no_object_is_refused(self, api_client, settings, payload):
        assert_refused(answer(api_client, signed(HS256, payload, key(settings))))

    def test_of_a_token_whose_time_is_over_is_told_apart(self, api_client, settings, claims):
        now = int(time.time())
        late = claims | {"exp": now - LEEWAY_S - 1}
        just = claims | {"exp": now - 1, "iat": now + 2}

        assert_refused(answer(api_client, signed(HS256, late, key(settings))), "token_expired")
        assert answer(api_client, signed(HS256, just, key(settings))).status_code == 200
        assert LEEWAY_S <= 30


class TestPurpose:
    def test_a_refresh_token_opens_nothing(self, api_client, user):
        assert_refused(answer(api_client, sign_in(user).tokens.refresh))

    def test_an_access_token_refreshes_nothing(self, api_client, access):
        response = api_client.post("/api/v1/auth/refresh", {"refresh": access}, format="json")

        assert_refused(response)

    def test_a_refresh_token_is_read_as_such_only(self, user):
        tokens = sign_in(user).tokens

        assert read_token(tokens.refresh, token_type=TokenType.REFRESH).user_id == user.id
        with pytest.raises(TokenInvalidError):
            read_token(tokens.refresh, token_type=TokenType.ACCESS)


class TestAuthentication:
    def test_costs_one_statement_at_most(self, user, django_assert_num_queries):
        client = client_of(user)

        with django_assert_num_queries(1 + 1):  # and that of the list
            response = client.get("/api/v1/auth/sessions")

        assert response.status_code == 200

    def test_is_needed(self, api_client):
        for header in ({}, {"HTTP_AUTHORIZATION": "Basic YTpi"}):
            assert_refused(api_client.get(ME, **header), "not_authenticated")

    def test_takes_the_scheme_in_any_case(self, api_client, access):
        assert api_client.get(ME, HTTP_AUTHORIZATION=f"bEARER {access}").status_code == 200

    def test_ends_with_the_user(self, api_client, user, access):
        for change in ({"is_active": False}, {"is_active": True, "token_version": 2}):
            User.objects.filter(pk=user.pk).update(**change)
            assert_refused(answer(api_client, access))
        user.delete()
        assert_refused(answer(api_client, access))

    def test_ends_when_the_secret_key_changes(self, api_client, settings, access):
        settings.SECRET_KEY = "another secret of more than thirty-two characters"

        assert_refused(answer(api_client, access))


class TestRateLimitIdentity:
    def test_is_the_user_of_a_genuine_token_without_a_statement(
        self, user, access, django_assert_num_queries
    ):
        request = RequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {access}")

        with django_assert_num_queries(0):
            assert rate_limit_identity(request) == str(user.id)

    def test_is_nobody_otherwise(self, settings, claims):
        expired = signed(HS256, claims | {"exp": 1}, key(settings))
        for header in ("", "Basic x", "Bearer", "Bearer x.y.z", f"Bearer {expired}"):
            request = RequestFactory().get("/", HTTP_AUTHORIZATION=header)
            assert rate_limit_identity(request) is None

    def test_is_told_apart_from_expiry(self, settings, claims):
        with pytest.raises(TokenExpiredError):
            read_token(
                signed(HS256, claims | {"exp": 1}, key(settings)), token_type=TokenType.ACCESS
            )
