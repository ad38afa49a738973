"""Settings, public profiles, a copy of one's data, and leaving."""

import io
import json
import zipfile
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from apps.auth import tasks
from apps.auth.events import UserDeleted
from apps.auth.models import AuditEntry, AuditOrigin, DataExport, User
from apps.auth.selectors.audit import check_audit_chain
from apps.auth.services import access_tokens, erasure, exports, second_factor
from apps.auth.types import AuditAction, Scope
from tests.factories.auth import PASSWORD, client_of, make_user
from tests.support import published, react

pytestmark = pytest.mark.django_db

ME = "/api/v1/users/me"
SETTINGS, COMPLETION, EXPORT = f"{ME}/settings", f"{ME}/profile-completion", f"{ME}/export"
DEFAULTS = {
    "language": "en", "timezone": "UTC", "theme": "system", "private_likes": False,
    "explicit_content": True, "email_digest": True,
}  # fmt: skip


@pytest.fixture
def user() -> User:
    return make_user(username="adalove")


@pytest.fixture
def client(user: User) -> APIClient:
    return client_of(user)


class TestSettings:
    def test_have_defaults_and_change(self, client: APIClient) -> None:
        assert client.get(SETTINGS).json() == DEFAULTS
        change = {"theme": "dark", "timezone": "Europe/Paris", "private_likes": True}
        answer = client.patch(SETTINGS, change, format="json")
        assert answer.json() == DEFAULTS | change
        assert client.get(SETTINGS).json() == DEFAULTS | change
        assert client_of(make_user()).get(SETTINGS).json() == DEFAULTS

    @pytest.mark.parametrize(
        "bad",
        [
            {"theme": "pink"}, {"timezone": "Mars/Base"}, {"language": "!"}, {"language": 5},
            {"private_likes": "yes"}, {"email_digest": None}, {"explicit_content": 1},
            {"timezone": "../etc/passwd"}, {"theme": ["dark"]},
        ],
    )  # fmt: skip
    def test_refuse(self, client: APIClient, bad: dict[str, Any]) -> None:
        answer = client.patch(SETTINGS, bad, format="json")
        assert answer.status_code == 400
        assert [each["field"] for each in answer.json()["errors"]] == list(bad)
        assert client.get(SETTINGS).json() == DEFAULTS

    def test_are_not_changed_by_who_has_not_read_them(self, client: APIClient) -> None:
        etag = client.get(SETTINGS)["ETag"]
        assert client.get(SETTINGS, headers={"if-none-match": etag}).status_code == 304
        client.patch(SETTINGS, {"theme": "dark"}, format="json")
        late = client.patch(SETTINGS, {"theme": "light"}, format="json", headers={"if-match": etag})
        assert late.status_code == 412

    def test_are_for_who_is_signed_in(self, api_client: APIClient) -> None:
        for path in (SETTINGS, COMPLETION, EXPORT):
            assert api_client.get(path).status_code == 401


def test_completion_says_what_is_missing(client: APIClient, user: User) -> None:
    assert client.get(COMPLETION).json() == {
        "percent": 14,
        "missing": ["avatar_url", "banner_url", "bio", "location", "links", "email_verified"],
    }
    User.objects.update(email_verified_at=timezone.now())
    client.patch(
        ME,
        {
            "bio": "x", "location": "Lyon", "links": [{"title": "x", "url": "https://a.example"}],
            "avatar_url": "https://a.example/a.png", "banner_url": "https://a.example/b.png",
        },
        format="json",
    )  # fmt: skip
    assert client.get(COMPLETION).json() == {"percent": 100, "missing": []}


class TestPublicProfile:
    def test_shows_nothing_private(self, user: User, api_client: APIClient) -> None:
        answer = api_client.get("/api/v1/users/ADALOVE")
        assert answer.status_code == 200
        assert answer.json().keys() == {
            "id", "username", "display_name", "bio", "avatar_url", "avatars", "banner_url",
            "banners", "location", "links", "created_at", "follower_count", "following_count",
            "track_count",
        }  # fmt: skip
        assert user.email not in answer.content.decode()
        etag = answer["ETag"]
        again = api_client.get("/api/v1/users/adalove", headers={"if-none-match": etag})
        assert again.status_code == 304

    def test_of_who_is_not_there(self, user: User, api_client: APIClient) -> None:
        make_user(username="gone", is_active=False)
        make_user(username="leaving", erase_at=timezone.now())
        access_tokens.create_machine(username="robot", roles=frozenset())
        for name in ("nobody", "gone", "leaving", "robot", user.email, "x" * 300, "%00"):
            answer = api_client.get(f"/api/v1/users/{name}")
            assert (answer.status_code, name) in [(404, name), (400, name)]


class TestExport:
    def made(self, user: User) -> Any:
        exports.build_export(user_id=user.id, now=timezone.now())
        return client_of(user).get(EXPORT).json()

    def test_holds_all_and_no_secret(self, user: User, client: APIClient) -> None:
        second_factor.begin_setup(user=user)
        assert client.get(EXPORT).json() == {
            "status": "none", "progress": 0, "url": None, "expires_at": None,
        }  # fmt: skip
        asked = client.post(EXPORT)
        assert (asked.status_code, asked.json()["status"]) == (202, "running")

        state = self.made(user)
        assert (state["status"], state["progress"]) == ("ready", 100)
        parts = urlsplit(state["url"])
        answer = APIClient().get(f"{parts.path}?{parts.query}")
        content = answer.getvalue()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            told = {name: archive.read(name).decode() for name in archive.namelist()}
        assert json.loads(told["account.json"])[0]["email"] == user.email
        assert json.loads(told["sessions.json"])[0]["ip"] == "192.0.2.10"
        assert {"README.txt", "security_events.json", "settings.json"} <= told.keys()
        everything = "".join(told.values())
        for secret in (user.password, user.second_factor.secret):
            assert secret not in everything

    def test_is_made_once_at_a_time_and_again_later(self, user: User, client: APIClient) -> None:
        client.post(EXPORT)
        client.post(EXPORT)
        assert AuditEntry.objects.filter(action=AuditAction.EXPORT_REQUESTED).count() == 1
        first = self.made(user)["url"]
        client.post(EXPORT)
        assert client.get(EXPORT).json()["status"] == "running"
        assert self.made(user)["url"] != first

    def test_is_begun_again_where_its_worker_was_killed(
        self, user: User, client: APIClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun: list[str] = []
        monkeypatch.setattr(tasks.build_export, "delay", lambda **sent: begun.extend(sent.values()))
        client.post(EXPORT)
        tasks.resume_exports()
        assert begun == []
        DataExport.objects.update(updated_at=timezone.now() - timedelta(minutes=11))
        tasks.resume_exports()
        assert begun == [str(user.id)]

    def test_goes_after_a_week(self, user: User, client: APIClient) -> None:
        client.post(EXPORT)
        self.made(user)
        with time_machine.travel(timezone.now() + timedelta(days=8)):
            assert client_of(user).get(EXPORT).json()["status"] == "none"
            tasks.resume_exports()
        assert not DataExport.objects.exists()

    def test_needs_a_session(self, user: User) -> None:
        User.objects.update(email_verified_at=timezone.now())
        purpose = access_tokens.TokenPurpose(
            name="x", scopes=frozenset(Scope), expires_at=timezone.now() + timedelta(days=1)
        )
        made = access_tokens.create_token(user_id=user.id, purpose=purpose, now=timezone.now())
        program = APIClient(HTTP_AUTHORIZATION=f"Bearer {made.token}")
        assert program.post(EXPORT).status_code == 403
        assert program.delete(ME, {"password": PASSWORD}, format="json").status_code == 403


class TestErasure:
    def ask(self, client: APIClient, password: str = PASSWORD) -> Any:
        return client.delete(ME, {"password": password}, format="json")

    def test_waits_two_weeks_and_signs_out_now(self, user: User, client: APIClient) -> None:
        answer = self.ask(client)
        assert answer.status_code == 202
        assert answer.json().keys() == {"erase_at"}
        assert client.get(ME).status_code == 401
        assert APIClient().get("/api/v1/users/adalove").status_code == 404
        assert erasure.erase_due(now=timezone.now() + timedelta(days=13)) == 0
        react()
        assert "The erasure of your account was asked for, or taken back" in [
            str(each.subject) for each in mail.outbox
        ]

    def test_needs_the_password_and_the_second_factor(self, user: User, client: APIClient) -> None:
        assert self.ask(client, "wrong").json()["code"] == "invalid_credentials"
        assert self.ask(client, "").json()["code"] == "invalid_credentials"
        second_factor.begin_setup(user=user)
        user.second_factor.confirmed_at = timezone.now()
        user.second_factor.save()
        assert self.ask(client).json()["code"] == "otp_required"
        assert User.objects.get().erase_at is None

    def test_is_cancelled_by_signing_in(self, user: User, client: APIClient) -> None:
        self.ask(client)
        answer = APIClient().post(
            "/api/v1/auth/login", {"login": "adalove", "password": PASSWORD}, format="json"
        )
        assert answer.status_code == 200
        assert User.objects.get().erase_at is None
        assert erasure.erase_due(now=timezone.now() + timedelta(days=15)) == 0
        assert APIClient().get("/api/v1/users/adalove").status_code == 200

    @pytest.mark.django_db(transaction=True)
    def test_leaves_nothing_that_says_who_it_was(self, user: User, client: APIClient) -> None:
        client.patch(ME, {"bio": "canary bio", "location": "canary town"}, format="json")
        client.patch(SETTINGS, {"theme": "dark"}, format="json")
        client.post(EXPORT)
        exports.build_export(user_id=user.id, now=timezone.now())
        other = make_user(username="other")
        self.ask(client)
        react()

        assert erasure.erase_due(now=timezone.now() + timedelta(days=15)) == 1
        assert [fact["user_id"] for fact in published(UserDeleted)] == [str(user.id)]
        react()
        told = self.everything()
        for canary in ("adalove", "canary", "192.0.2.10", "phone/1"):
            assert canary not in told
        assert AuditOrigin.objects.filter(entry__user_id=user.id).count() == 0
        assert AuditEntry.objects.filter(user_id=user.id, action=AuditAction.USER_ERASED).exists()
        assert list(check_audit_chain())
        assert User.objects.get(pk=other.pk).is_active
        signed_in = APIClient().post(
            "/api/v1/auth/login", {"login": "adalove", "password": PASSWORD}, format="json"
        )
        assert signed_in.status_code == 401
        assert make_user(username="adalove").pk != user.pk  # the name is free again

    def everything(self) -> str:
        """All rows of all tables, as text."""
        told = []
        with connection.cursor() as cursor:
            for table in connection.introspection.table_names(cursor):
                cursor.execute(f'SELECT t::text FROM "{table}" t')  # noqa: S608 - our own tables
                told += [row[0] for row in cursor.fetchall()]
        return "\n".join(told)
