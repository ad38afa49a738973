"""Who may do what: roles hold permissions, and everything asks for those."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.auth import realtime, selectors
from apps.auth.models import Permission, RolePermission, User
from apps.auth.services import accounts
from apps.auth.services.tokens import read_token
from apps.auth.types import REGISTRATION_ROLES, AuthPermission, RoleName, TokenType
from tests.factories.auth import client_of, make_user, sign_in
from veza.kit import permissions

pytestmark = pytest.mark.django_db


def staff(role: RoleName = RoleName.OPERATOR) -> User:
    return make_user(roles=REGISTRATION_ROLES | {role})


def test_every_permission_that_code_asks_for_stands_in_the_table():
    assert sorted(Permission.objects.values_list("name", flat=True)) == list(permissions.declared())
    assert all(permissions.declared().values())


def test_one_name_has_one_meaning():
    class Other(AuthPermission.__base__):  # type: ignore[name-defined, misc]
        READ = "audit.read", "Read something else"

    with pytest.raises(ValueError, match=r"audit\.read"):
        permissions.declare(Other)


class TestUsers:
    def test_have_what_their_roles_hold(self):
        assert make_user().permissions == frozenset()
        assert {"audit.read", "users.read"} <= staff().permissions
        assert make_user(roles=frozenset({RoleName.INGESTOR})).permissions == {"backbone.ingest"}

    def test_lose_what_their_role_loses(self):
        RolePermission.objects.filter(role_id="operator", permission_id="audit.read").delete()

        assert client_of(staff()).get("/api/v1/audit").status_code == 403
        assert client_of(staff(RoleName.ADMIN)).get("/api/v1/audit").status_code == 200

    def test_may_nothing_when_inactive(self):
        user, _ = staff(RoleName.ADMIN), staff(RoleName.ADMIN)
        accounts.set_active(user_id=user.id, is_active=False, now=timezone.now())
        user = User.objects.get(pk=user.pk)

        assert not user.has_perm("audit.read")
        assert user.get_all_permissions() == set()

    def test_are_known_with_their_session_in_one_statement(self):
        token = sign_in(staff()).tokens.access
        claims = read_token(token, token_type=TokenType.ACCESS)

        with CaptureQueriesContext(connection) as queries:
            session = selectors.find_session(claims.session_id)
            assert session is not None
            assert session.user.has_perm("audit.read")
            assert not session.user.has_perm("backbone.everything")

        assert len(queries) == 1
        assert "backbone.ingest" in realtime.authenticate(token).permissions


def test_nobody_may_nothing():
    assert not AnonymousUser().has_perm("audit.read")


class TestAdmin:
    @pytest.mark.parametrize(
        "page", ["accounts/user", "accounts/session", "accounts/auditentry", "events/loggedfact"]
    )
    def test_shows_what_a_permission_allows(self, client, page):
        operator = staff()
        client.force_login(operator)
        assert client.get(f"/admin/{page}/").status_code == 200

        RolePermission.objects.all().delete()

        assert client.get(f"/admin/{page}/").status_code == 403

    def test_acts_only_by_permission(self, client):
        RolePermission.objects.filter(permission_id="users.manage").delete()
        client.force_login(staff())
        other = make_user()

        client.post(
            "/admin/accounts/user/", {"action": "deactivate", "_selected_action": [str(other.pk)]}
        )

        assert User.objects.get(pk=other.pk).is_active
