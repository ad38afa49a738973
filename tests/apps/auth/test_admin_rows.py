"""Lists of access tokens, linked logins and roles in the admin."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from apps.auth.events import AccessTokenRevoked, RolePermissionsChanged
from apps.auth.models import AccessToken, AuditEntry, RolePermission, SocialIdentity, User
from apps.auth.selectors import identities
from apps.auth.services.access_tokens import NewToken, TokenPurpose, create_token
from apps.auth.types import REGISTRATION_ROLES, RoleName, Scope
from tests.factories.auth import client_of, make_user
from tests.support import published

pytestmark = pytest.mark.django_db

TOKENS = reverse("admin:accounts_accesstoken_changelist")
LOGINS = reverse("admin:accounts_socialidentity_changelist")
ROLES = reverse("admin:accounts_role_changelist")
CHANGE = "admin:accounts_role_change_permissions"


@pytest.fixture
def admin() -> User:
    return make_user(username="chief", roles=frozenset({RoleName.ADMIN}))


@pytest.fixture
def operator() -> User:
    return make_user(username="operator", roles=REGISTRATION_ROLES | {RoleName.OPERATOR})


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def make_token(user: User, name: str = "Studio backup", scope: Scope = Scope.READ) -> NewToken:
    now = timezone.now()
    User.objects.filter(pk=user.pk).update(email_verified_at=now)
    purpose = TokenPurpose(name=name, scopes=frozenset({scope}), expires_at=now + timedelta(days=1))
    return create_token(user_id=user.id, purpose=purpose, now=now)


class TestAccessTokens:
    def test_are_listed_searched_and_filtered(self, operator):
        ada, bob = make_user(username="ada"), make_user(username="bob")
        shown = make_token(ada)
        make_token(bob, name="Robot", scope=Scope.INGEST)
        old = make_token(bob, name="Ancient")
        AccessToken.objects.filter(pk=old.row.pk).update(expires_at=timezone.now())
        browser = browser_of(operator)

        for query, found in {
            "": {"Studio backup", "Robot", "Ancient"},
            "?q=ada": {"Studio backup"},
            "?q=robot": {"Robot"},
            "?scope=ingest": {"Robot"},
            "?state=live": {"Studio backup", "Robot"},
            "?state=expired": {"Ancient"},
            "?state=revoked": set(),
        }.items():
            page = browser.get(TOKENS + query).content.decode()
            names = {"Studio backup", "Robot", "Ancient"}
            assert {name for name in names if name in page} == found, query
            assert shown.token not in page
            assert shown.row.hash not in page
        one = browser.get(reverse("admin:accounts_accesstoken_change", args=[shown.row.pk]))
        assert shown.row.hash not in one.content.decode()

    def test_are_revoked_after_a_question(self, operator):
        made = make_token(make_user(username="ada"))
        browser = browser_of(operator)
        data = {"action": "revoke", "_selected_action": [str(made.row.pk)]}

        asked = browser.post(TOKENS, data).content.decode()
        assert "Studio backup" in asked
        assert AccessToken.objects.get().revoked_at is None
        browser.post(TOKENS, {**data, "confirmed": "yes"})

        assert AccessToken.objects.get().revoked_at is not None
        assert len(published(AccessTokenRevoked)) == 1
        entry = AuditEntry.objects.get(action="access_token.revoked")
        assert (entry.user_id, entry.actor_id) == (made.row.user_id, str(operator.id))
        again = browser.post(TOKENS, {**data, "confirmed": "yes"}, follow=True)
        assert "0 access tokens revoked" in again.content.decode()

    def test_are_not_revoked_without_the_permission(self, operator):
        made = make_token(make_user())
        RolePermission.objects.filter(permission_id="users.manage").delete()
        data = {"action": "revoke", "_selected_action": [str(made.row.pk)], "confirmed": "yes"}

        browser_of(operator).post(TOKENS, data)

        assert AccessToken.objects.get().revoked_at is None


class TestLinkedLogins:
    def test_are_listed_and_searched(self, operator, settings):
        settings.OIDC_PROVIDERS = {
            "acme": {"label": "Acme", "issuer": "https://acme.example", "client_id": "x",
                     "client_secret": "y"}
        }  # fmt: skip
        for name, issuer in (("ada", "https://acme.example"), ("bob", "https://gone.example")):
            SocialIdentity.objects.create(
                user=make_user(username=name), issuer=issuer, subject=f"{name}-at-provider"
            )
        browser = browser_of(operator)

        page = browser.get(LOGINS).content.decode()
        assert "Acme" in page
        assert "https://gone.example (not set up)" in page
        page = browser.get(f"{LOGINS}?q=ada-at-provider").content.decode()
        assert "Acme" in page
        assert "not set up" not in page
        row = SocialIdentity.objects.get(user__username="ada")
        one = browser.get(reverse("admin:accounts_socialidentity_change", args=[row.pk]))
        assert "ada-at-provider" in one.content.decode()


@pytest.mark.parametrize("name", ["accesstoken", "socialidentity", "role"])
class TestEveryList:
    def test_is_closed_to_others(self, name):
        path = reverse(f"admin:accounts_{name}_changelist")
        person = make_user(roles=REGISTRATION_ROLES | {RoleName.MODERATOR})

        assert browser_of(person).get(path).status_code == 302

    def test_needs_its_permission(self, operator, name):
        path = reverse(f"admin:accounts_{name}_changelist")
        assert browser_of(operator).get(path).status_code == 200

        RolePermission.objects.all().delete()

        assert browser_of(operator).get(path).status_code == 403

    def test_offers_no_adding_changing_or_deleting(self, admin, name):
        assert browser_of(admin).get(reverse(f"admin:accounts_{name}_add")).status_code == 403
        path = reverse(f"admin:accounts_{name}_delete", args=["listener"])
        assert browser_of(admin).post(path, {"post": "yes"}).status_code != 200

    def test_costs_the_same_for_many_rows(self, admin, name, django_assert_max_num_queries):
        for _ in range(20):
            user = make_user()
            make_token(user)
            SocialIdentity.objects.create(
                user=user, issuer="https://x.example", subject=user.username
            )
        browser = browser_of(admin)

        with django_assert_max_num_queries(14):
            browser.get(reverse(f"admin:accounts_{name}_changelist"))


class TestRoles:
    def test_are_shown_with_what_they_allow(self, operator):
        page = browser_of(operator).get(ROLES).content.decode()

        assert "backbone.ingest" in page
        assert "all, always" in page

    def test_are_changed_by_an_admin_after_a_question(self, admin, operator):
        path = reverse(CHANGE, args=["operator"])
        browser = browser_of(admin)
        held = set(operator.permissions)
        person = client_of(operator)
        assert person.get("/api/v1/audit").status_code == 200

        form = browser.get(path).content.decode()
        assert form.count(" checked>") == len(held)
        asked = browser.post(path, {"chosen": sorted(held - {"audit.read"})}).content.decode()
        assert "may no longer: Read the audit log" in asked
        assert "at present: 1" in asked
        assert RolePermission.objects.filter(role="operator", permission="audit.read").exists()
        browser.post(path, {"confirmed": "yes", "taken": "audit.read"})

        assert person.get("/api/v1/audit").status_code == 403
        entry = AuditEntry.objects.get(action="role.permissions_changed")
        assert entry.actor_id == str(admin.id)
        assert entry.details == {"role": "operator", "given": [], "taken": ["audit.read"]}
        [fact] = published(RolePermissionsChanged)
        assert fact == {"role": "operator", "given": [], "taken": ["audit.read"]}

    def test_give_what_was_ticked(self, admin):
        path = reverse(CHANGE, args=["moderator"])
        moderator = client_of(make_user(roles=frozenset({RoleName.MODERATOR})))
        assert moderator.get("/api/v1/audit").status_code == 403

        browser_of(admin).post(path, {"confirmed": "yes", "given": "audit.read"})
        browser_of(admin).post(path, {"confirmed": "yes", "given": "audit.read"})

        assert moderator.get("/api/v1/audit").status_code == 200
        assert AuditEntry.objects.filter(action="role.permissions_changed").count() == 1

    def test_bite_at_once_in_the_process_that_remembers(
        self, admin, operator, monkeypatch, django_capture_on_commit_callbacks
    ):
        monkeypatch.setattr(identities, "REMEMBERED_S", 60.0)
        User.objects.filter(pk=operator.pk).update(email_verified_at=timezone.now())
        person = client_of(operator)
        token = make_token(operator).token
        program = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}")
        assert person.get("/api/v1/audit").status_code == 200
        assert program.get("/api/v1/audit").status_code == 200

        with django_capture_on_commit_callbacks(execute=True):
            browser_of(admin).post(
                reverse(CHANGE, args=["operator"]), {"confirmed": "yes", "taken": "audit.read"}
            )

        assert person.get("/api/v1/audit").status_code == 403
        assert program.get("/api/v1/audit").status_code == 403

    def test_are_changed_by_nobody_else(self, operator):
        path = reverse(CHANGE, args=["moderator"])

        for method in ("get", "post"):
            answer = getattr(browser_of(operator), method)(path, {"given": "audit.read"})
            assert answer.status_code == 403
        page = browser_of(operator).get(reverse("admin:accounts_role_change", args=["moderator"]))
        assert "Change permissions" not in page.content.decode()

    def test_of_admins_stay(self, admin):
        path = reverse(CHANGE, args=["admin"])

        answer = browser_of(admin).post(path, {"confirmed": "yes", "taken": "audit.read"})

        assert answer.status_code == 403
        assert admin.has_perm("audit.read")
        assert not AuditEntry.objects.filter(action="role.permissions_changed").exists()

    @pytest.mark.parametrize("name", ["everything", "", "\0", "audit.read "])
    def test_take_in_no_permission_that_no_code_asks_for(self, admin, name):
        path = reverse(CHANGE, args=["moderator"])

        browser_of(admin).post(path, {"confirmed": "yes", "given": name})

        assert not RolePermission.objects.filter(role="moderator").exists()

    def test_that_there_are_not_are_not_found(self, admin):
        assert browser_of(admin).get(reverse(CHANGE, args=["king"])).status_code == 404
