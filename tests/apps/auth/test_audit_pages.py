"""The audit log as operators read it."""

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from apps.auth.models import AuditEntry, User
from apps.auth.services import accounts, audit, sessions
from apps.auth.types import REGISTRATION_ROLES, RevokedReason, RoleName
from apps.events.types import Actor
from tests.apps.auth.test_audit import FROM, write
from tests.factories.auth import client_of, make_user, sign_in
from veza.kit.context import bind_client


@pytest.mark.django_db
class TestApi:
    @pytest.fixture
    def operator(self) -> User:
        return make_user(roles=REGISTRATION_ROLES | {RoleName.OPERATOR})

    def test_is_for_operators_alone(self, api_client, operator):
        assert api_client.get("/api/v1/audit").status_code == 401
        assert client_of(make_user()).get("/api/v1/audit").status_code == 403
        assert client_of(operator).get("/api/v1/audit").status_code == 200

    def test_shows_who_did_what_from_where(self, operator):
        user = make_user()
        actor = Actor(type="user", id=operator.id)
        client = client_of(operator)
        with bind_client(FROM):
            accounts.set_active(user_id=user.id, is_active=False, now=timezone.now(), actor=actor)

        found = client.get("/api/v1/audit", {"action": "user.deactivated"}).json()["results"]

        assert len(found) == 1
        assert found[0]["user_id"] == str(user.id)
        assert found[0]["actor"] == {"type": "user", "id": str(operator.id)}
        assert (found[0]["ip"], found[0]["user_agent"]) == ("192.0.2.10", "phone/1")
        assert found[0]["at"].endswith("Z")

    def test_filters(self, operator):
        client, other = client_of(operator), make_user()
        signed_in = sign_in(other)
        sessions.revoke_sessions(
            user_id=other.id,
            reason=RevokedReason.LOGOUT,
            now=timezone.now(),
            actor=Actor(type="user", id=other.id),
        )
        assert signed_in.tokens.access

        def actions(**query: str) -> list[str]:
            return [row["action"] for row in client.get("/api/v1/audit", query).json()["results"]]

        mine = actions(actor=str(other.id))
        assert mine == ["session.revoked", "login.succeeded", "user.registered"]
        assert actions(actor=str(other.id), action="login.succeeded") == ["login.succeeded"]
        assert actions(**{"from": "2999-01-01T00:00:00Z"}) == []
        assert actions(to="2000-01-01T00:00:00Z") == []
        assert len(actions(**{"from": "2000-01-01T00:00:00Z"})) > 3

    @pytest.mark.parametrize(
        "query",
        [
            {"action": "nothing"},
            {"from": "yesterday"},
            {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
            {"actor": "x" * 65},
            {"actor": "\x00"},
        ],
    )
    def test_refuses_bad_filters(self, operator, query):
        assert client_of(operator).get("/api/v1/audit", query).status_code == 400

    def test_has_pages(self, operator):
        client = client_of(operator)
        write(5)

        first = client.get("/api/v1/audit", {"limit": "2"}).json()
        second = client.get(first["next"]).json()

        ids = [row["id"] for row in first["results"] + second["results"]]
        assert len(set(ids)) == 4


@pytest.mark.django_db
def test_the_admin_shows_it_and_changes_nothing(client):
    operator = make_user(roles=REGISTRATION_ROLES | {RoleName.OPERATOR})
    client.force_login(operator)
    write(2, user_id=operator.id)
    audit.forget_origins(user_id=operator.id)
    write(1, user_id=operator.id)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    entries = reverse("admin:accounts_auditentry_changelist")

    page = client.get(entries).content.decode()
    entry = AuditEntry.objects.order_by("-at").first()
    assert entry is not None
    one = client.get(reverse("admin:accounts_auditentry_change", args=[entry.pk])).content.decode()

    assert "192.0.2.10" in page
    assert ">erased<" in page
    assert entry.seal.hash in one
    found = client.get(entries, {"q": "192.0.2.10"}).content.decode()
    assert ">erased<" not in found
    for verb in ("change", "delete"):
        path = reverse(f"admin:accounts_auditentry_{verb}", args=[entry.pk])
        assert client.post(path, {"post": "yes"}).status_code == 403
