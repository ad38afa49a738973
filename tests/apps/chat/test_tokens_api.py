"""Tokens for the chat server, and what it asks about them."""

import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
import time_machine
from django.conf import settings
from django.utils import timezone
from rest_framework.test import APIClient

from apps.auth.models import Session, User
from apps.auth.services.access_tokens import TokenPurpose, create_token
from apps.auth.types import RevokedReason, Scope
from apps.chat import services
from apps.chat.realtime import authenticate
from apps.realtime.errors import TokenInvalidError
from tests.factories.auth import client_of, make_user, sign_in
from veza.kit.signing import Call, sign

pytestmark = pytest.mark.django_db

TOKEN, INTROSPECT = "/api/v1/chat/token", "/api/v1/internal/chat/introspect"


@pytest.fixture
def user() -> User:
    return make_user()


def token_of(user: User, **body: Any) -> str:
    answer = client_of(user).post(TOKEN, body, format="json")
    assert answer.status_code == 200, answer.content
    return str(answer.json()["token"])


def introspected(token: object) -> Any:
    body = json.dumps({"token": token}).encode()
    call = Call(method="POST", target=INTROSPECT, body=body)
    signature = sign(call, secret=settings.INTERNAL_API_SECRETS[0], now=timezone.now())
    return APIClient().post(
        INTROSPECT, body, content_type="application/json", headers={"X-Veza-Signature": signature}
    )


class TestToken:
    def test_says_what_the_chat_server_has_to_know(self, user: User) -> None:
        answer = client_of(user).post(TOKEN, {"rooms": ["chat:lobby", "jazz"]}, format="json")

        assert answer["Cache-Control"] == "no-store"
        body = answer.json()
        assert body.keys() == {"token", "expires_in", "url"}
        assert body["expires_in"] == 300
        assert body["url"] == "ws://testserver/connection/websocket"
        claims = jwt.decode(
            body["token"], settings.CHAT_TOKEN_SECRET, ["HS256"], audience="veza-chat"
        )
        assert claims.keys() == {
            "iss", "aud", "typ", "sub", "username", "roles", "rooms", "sid", "jti", "iat", "exp",
        }  # fmt: skip
        assert claims["typ"] == "chat"
        assert claims["sub"] == str(user.id)
        assert claims["rooms"] == ["chat:lobby", "chat:jazz"]
        assert claims["exp"] - claims["iat"] == 300

    def test_names_the_chat_server_there_is(self, user: User, settings: Any) -> None:
        settings.CHAT_SERVER_URL = "wss://chat.veza.example/ws"
        answer = client_of(user).post(TOKEN)
        assert answer.json()["url"] == "wss://chat.veza.example/ws"

    @pytest.mark.parametrize("room", ["chat:A b", "user:1", "chat:"])
    def test_of_a_room_that_one_may_not_join(self, user: User, room: str) -> None:
        answer = client_of(user).post(TOKEN, {"rooms": ["chat:lobby", room]}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (404, "room_not_found")

    @pytest.mark.parametrize("rooms", ["chat:x", [1], [""], ["x"] * 129, {"a": 1}, [None]])
    def test_refuses_what_is_no_list_of_rooms(self, user: User, rooms: Any) -> None:
        answer = client_of(user).post(TOKEN, {"rooms": rooms}, format="json")
        assert answer.status_code in (400, 404)

    def test_is_for_who_is_signed_in(self) -> None:
        assert APIClient().post(TOKEN).status_code == 401

    @pytest.mark.parametrize(
        ("scopes", "status"), [("read", 403), ("write", 403), ("ingest", 403), ("read write", 200)]
    )
    def test_a_program_needs_to_read_and_write(self, user: User, scopes: str, status: int) -> None:
        purpose = TokenPurpose(
            name="bot",
            scopes=frozenset(map(Scope, scopes.split())),
            expires_at=timezone.now() + timedelta(days=1),
        )
        User.objects.update(email_verified_at=timezone.now())
        made = create_token(user_id=user.id, purpose=purpose, now=timezone.now())
        answer = APIClient(HTTP_AUTHORIZATION=f"Bearer {made.token}").post(TOKEN)
        assert answer.status_code == status

    def test_opens_nothing_but_chat(self, user: User) -> None:
        token = token_of(user)
        answer = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}").get("/api/v1/users/me")
        assert answer.json()["code"] == "token_invalid"
        viewer = authenticate(token)
        assert viewer.may_use("chat:lobby")
        assert not viewer.may_use(f"user:{user.id}")
        assert not viewer.permissions
        assert not authenticate(token_of(user, rooms=["jazz"])).may_use("chat:lobby")

    def test_ends_with_its_session_and_its_time(self, user: User) -> None:
        token = token_of(user)
        later = time_machine.travel(timezone.now() + timedelta(seconds=310))
        with later, pytest.raises(TokenInvalidError):
            authenticate(token)
        Session.objects.update(revoked_at=timezone.now(), revoked_reason=RevokedReason.LOGOUT)
        with pytest.raises(TokenInvalidError):
            authenticate(token)

    def test_an_access_token_is_none(self, user: User) -> None:
        access = sign_in(user).tokens.access
        for token in (access, "", "x", "a.b.c"):
            with pytest.raises(TokenInvalidError):
                services.read_token(token)

    @pytest.mark.parametrize(
        "change",
        [
            {"typ": "access"}, {"aud": "veza-api"}, {"iss": "other"}, {"sub": "x"}, {"sid": None},
            {"rooms": 5}, {"exp": "soon"}, {"exp": 1},
        ],
    )  # fmt: skip
    def test_forged_ones_are_refused(self, user: User, change: dict[str, Any]) -> None:
        key = settings.CHAT_TOKEN_SECRET
        claims = jwt.decode(token_of(user), key, ["HS256"], audience="veza-chat")
        services.read_token(jwt.encode(claims, key, "HS256"))
        with pytest.raises(TokenInvalidError):
            services.read_token(jwt.encode(claims | change, key, "HS256"))
        with pytest.raises(TokenInvalidError):
            services.read_token(jwt.encode(claims, "x" * 40, "HS256"))
        with pytest.raises(TokenInvalidError):
            services.read_token(jwt.encode(claims, "", "none"))


class TestIntrospection:
    def test_tells_whose_it_is(self, user: User) -> None:
        answer = introspected(token_of(user, rooms=["jazz"]))
        assert answer.json() == {
            "active": True,
            "user_id": str(user.id),
            "username": user.username,
            "roles": ["creator", "listener"],
            "rooms": ["chat:jazz"],
        }

    def test_sees_at_once_that_a_session_has_ended(self, user: User) -> None:
        token = token_of(user)
        Session.objects.update(revoked_at=timezone.now(), revoked_reason=RevokedReason.LOGOUT)
        assert introspected(token).json() == {"active": False}
        assert introspected("x").json() == {"active": False}

    def test_needs_a_signature(self, user: User) -> None:
        token = token_of(user)
        answer = client_of(user).post(INTROSPECT, {"token": token}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")

    def test_refuses_bad_input(self) -> None:
        for token in (None, 5, "", "x" * 5000):
            assert introspected(token).status_code in (200, 400)
