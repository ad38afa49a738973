"""Tokens for programs: made, used within their scopes, revoked."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.management import CommandError, call_command
from django.utils import timezone
from rest_framework.test import APIClient

from apps.auth.models import AccessToken, AuditEntry, Session, User
from apps.auth.realtime import authenticate, dead_sessions
from apps.auth.types import AuditAction, RoleName
from apps.realtime.errors import TokenInvalidError
from apps.realtime.selectors import may_join
from tests.factories.auth import PASSWORD, client_of, make_user
from tests.support import react

pytestmark = pytest.mark.django_db

TOKENS, ME = "/api/v1/auth/tokens", "/api/v1/users/me"


@pytest.fixture
def user() -> User:
    return make_user(email_verified_at=timezone.now())


@pytest.fixture
def client(user: User) -> APIClient:
    return client_of(user)


def make(client: APIClient, **body: Any) -> Any:
    return client.post(TOKENS, {"name": "backup", "scopes": ["read"], **body}, format="json")


def made(client: APIClient, *scopes: str) -> tuple[str, APIClient]:
    """The id of a new token, and a program that has it."""
    body = make(client, scopes=list(scopes)).json()
    return body["id"], APIClient(HTTP_AUTHORIZATION=f"Bearer {body['token']}")


class TestMaking:
    def test_shows_the_token_once(self, user: User, client: APIClient) -> None:
        answer = make(client, scopes=["read", "write", "read"])

        assert answer.status_code == 201
        assert answer["Cache-Control"] == "no-store"
        body = answer.json()
        assert body.keys() == {
            "id", "name", "scopes", "created_at", "expires_at", "last_used_at", "token",
        }  # fmt: skip
        assert body["token"].startswith("veza_pat_")
        assert body["scopes"] == ["read", "write"]
        [listed] = client.get(TOKENS).json()["results"]
        assert listed == {key: value for key, value in body.items() if key != "token"}
        row = AccessToken.objects.get()
        assert body["token"] not in json.dumps([str(value) for value in row.__dict__.values()])

    def test_is_told_and_written_down(self, user: User, client: APIClient) -> None:
        make(client)
        assert AuditEntry.objects.filter(action=AuditAction.ACCESS_TOKEN_CREATED).exists()
        react()
        subjects = [str(each.subject) for each in mail.outbox]
        assert "An access token was made for your account" in subjects

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": "a\nb"}, "name"),
            ({"name": 5}, "name"),
            ({"scopes": []}, "scopes"),
            ({"scopes": ["admin"]}, "scopes"),
            ({"scopes": "read"}, "scopes"),
            ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
            ({"expires_at": "2999-01-01T00:00:00Z"}, "expires_at"),
        ],
    )
    def test_refuses(self, client: APIClient, body: dict[str, Any], field: str) -> None:
        answer = make(client, **body)
        assert answer.status_code == 400
        assert {fault["field"].partition(".")[0] for fault in answer.json()["errors"]} == {field}

    def test_needs_a_verified_address_and_step_up(self, user: User, client: APIClient) -> None:
        unverified = client_of(make_user())
        assert make(unverified).json()["code"] == "email_not_verified"
        Session.objects.update(stepped_up_at=None)
        assert make(client).json()["code"] == "step_up_required"
        assert make(APIClient()).status_code == 401

    def test_has_a_bound(self, client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("apps.auth.services.access_tokens.MAX_TOKENS", 2)
        assert [make(client).status_code for _ in range(3)] == [201, 201, 409]


class TestUsing:
    def test_acts_for_its_user_within_its_scopes(self, user: User, client: APIClient) -> None:
        _, reader = made(client, "read")
        _, writer = made(client, "write")

        assert reader.get(ME).json()["username"] == user.username
        refused = reader.patch(ME, {"bio": "x"}, format="json")
        assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
        assert writer.get(ME).status_code == 403
        assert writer.patch(ME, {"bio": "x"}, format="json").status_code == 200
        assert AccessToken.objects.filter(last_used_at__isnull=False).count() == 2

    def test_manages_no_credentials(self, client: APIClient) -> None:
        token_id, program = made(client, "read", "write")
        for method, path in [
            ("get", TOKENS), ("post", TOKENS), ("delete", f"{TOKENS}/{token_id}"),
            ("get", "/api/v1/auth/sessions"), ("delete", "/api/v1/auth/sessions"),
            ("post", "/api/v1/auth/2fa/setup"), ("post", "/api/v1/auth/password/change"),
            ("post", "/api/v1/auth/email/resend"), ("post", "/api/v1/auth/logout"),
            ("post", "/api/v1/auth/step-up"), ("post", "/api/v1/auth/2fa/confirm"),
            ("delete", "/api/v1/auth/2fa"), ("get", "/api/v1/auth/passkeys"),
            ("get", "/api/v1/auth/social/identities"),
        ]:  # fmt: skip
            answer = getattr(program, method)(path, {}, format="json")
            assert (answer.status_code, path) == (403, path), answer.content

    def test_ends_when_revoked(self, client: APIClient) -> None:
        token_id, program = made(client, "read")
        stranger = client_of(make_user())
        assert stranger.delete(f"{TOKENS}/{token_id}").json()["code"] == "access_token_not_found"
        assert program.get(ME).status_code == 200

        assert client.delete(f"{TOKENS}/{token_id}").status_code == 204
        assert program.get(ME).json()["code"] == "token_invalid"
        assert client.delete(f"{TOKENS}/{token_id}").status_code == 404
        assert client.get(TOKENS).json()["results"] == []

    def test_ends_with_its_time_and_its_user(self, user: User, client: APIClient) -> None:
        _, program = made(client, "read")
        with time_machine.travel(timezone.now() + timedelta(days=91)):
            assert program.get(ME).json()["code"] == "token_expired"
        User.objects.update(is_active=False)
        assert program.get(ME).json()["code"] == "token_invalid"

    @pytest.mark.parametrize("token", ["veza_pat_", "veza_pat_x", "veza_pat_" + "é" * 5])
    def test_what_is_none_is_refused(self, token: str) -> None:
        answer = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}").get(ME)
        assert answer.json()["code"] == "token_invalid"


class TestOverSockets:
    def viewer(self, user: User, client: APIClient, *scopes: str) -> Any:
        return authenticate(make(client, scopes=list(scopes)).json()["token"])

    def test_ingests_only_with_the_scope(self) -> None:
        user = make_user(email_verified_at=timezone.now(), roles=frozenset({RoleName.INGESTOR}))
        client = client_of(user)
        assert "backbone.ingest" in self.viewer(user, client, "ingest").permissions
        viewer = self.viewer(user, client, "read")
        assert "backbone.ingest" not in viewer.permissions
        assert not viewer.may_write
        assert self.viewer(user, client, "read", "write").may_write
        with pytest.raises(TokenInvalidError):
            self.viewer(user, client, "write")

    def test_reads_only_with_the_scope(self, user: User, client: APIClient) -> None:
        reader, producer = (self.viewer(user, client, each) for each in ("read", "ingest"))
        assert may_join(f"user:{user.id}", reader)
        assert not may_join(f"user:{user.id}", producer)
        assert may_join("metrics", producer)

    def test_what_is_open_under_it_is_found_dead(self, user: User, client: APIClient) -> None:
        viewer = self.viewer(user, client, "read")
        assert dead_sessions([viewer.session_id]) == set()
        AccessToken.objects.update(revoked_at=timezone.now())
        assert dead_sessions([viewer.session_id]) == {viewer.session_id}


class TestMachines:
    def call(self, *arguments: str) -> Any:
        out = StringIO()
        call_command("machine", *arguments, "--json", stdout=out)
        return json.loads(out.getvalue())

    def test_act_by_tokens_alone(self) -> None:
        made = self.call("create", "prices", "--role", "ingestor", "--scope", "ingest")
        viewer = authenticate(made["token"])
        assert viewer.roles == {"ingestor"}
        assert "backbone.ingest" in viewer.permissions
        assert made["scopes"] == ["ingest"]
        signed_in = APIClient().post(
            "/api/v1/auth/login", {"login": "prices", "password": PASSWORD}, format="json"
        )
        assert signed_in.status_code == 401
        assert self.call("token", "prices")["scopes"] == ["ingest", "read", "write"]
        react()
        assert mail.outbox == []

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("create", "taken"), "belongs to somebody else"),
            (("create", "no spaces"), "3 to 50"),
            (("create", "new1", "--role", "operator"), "invalid choice"),
            (("create", "new1", "--days", "0"), "use 1 to 366"),
            (("token", "nobody1"), "no such user"),
            (("token", "taken"), "no such user"),
        ],
    )
    def test_are_refused_in_one_sentence(self, arguments: tuple[str, ...], told: str) -> None:
        make_user(username="taken")
        with pytest.raises(CommandError, match=told):
            self.call(*arguments)
