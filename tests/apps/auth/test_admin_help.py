"""What staff do for, and to, the accounts of others in the admin."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.auth.errors import LastAdminError
from apps.auth.models import AuditEntry, Passkey, RolePermission, SecondFactor, Session, User
from apps.auth.services import accounts
from apps.auth.types import REGISTRATION_ROLES, RoleName
from tests.factories.auth import PASSWORD, client_of, make_user, sign_in
from tests.factories.factors import turn_on
from tests.support import react

pytestmark = pytest.mark.django_db

STEPS = ("reset_factors", "end_sessions", "verify_email", "cancel_erasure")


@pytest.fixture
def admin() -> User:
    return make_user(username="chief", roles=frozenset({RoleName.ADMIN}))


@pytest.fixture
def operator() -> User:
    return make_user(username="operator", roles=REGISTRATION_ROLES | {RoleName.OPERATOR})


@pytest.fixture
def person() -> User:
    return make_user(username="ada")


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_of(user: User) -> str:
    return reverse("admin:accounts_user_change", args=[user.pk])


def step(browser: Client, user: User, name: str, **data: Any) -> Any:
    path = reverse(f"admin:accounts_user_{name}", args=[user.pk])
    return browser.post(path, {"confirmed": "yes", **data}, follow=True)


def change(browser: Client, user: User, given: str = "", taken: str = "") -> Any:
    return step(browser, user, "change_roles", given=given.split(), taken=taken.split())


def roles_of(user: User) -> set[str]:
    return set(User.objects.get(pk=user.pk).roles)


class TestRoles:
    def test_are_chosen_confirmed_and_changed(self, operator, person):
        browser = browser_of(operator)
        path = reverse("admin:accounts_user_change_roles", args=[person.pk])
        session = sign_in(person)

        form = browser.get(path).content.decode()
        assert 'value="moderator"' in form
        asked = browser.post(path, {"chosen": ["listener", "moderator"]}).content.decode()
        assert "Gets the role moderator" in asked
        assert "Loses the role creator" in asked
        assert "Every session ends" in asked
        assert roles_of(person) == {"listener", "creator"}
        said = change(browser, person, "moderator", "creator").content.decode()

        assert "The roles are changed" in said
        assert roles_of(person) == {"listener", "moderator"}
        entry = AuditEntry.objects.get(action="roles.changed")
        assert (entry.user_id, entry.actor_id) == (person.id, str(operator.id))
        assert entry.details == {"given": ["moderator"], "taken": ["creator"]}
        assert Session.objects.get(user=session.user).revoked_reason == "role_lost"

    def test_stay_when_nothing_was_ticked_otherwise(self, operator, person):
        path = reverse("admin:accounts_user_change_roles", args=[person.pk])

        said = browser_of(operator).post(path, {"chosen": ["listener", "creator"]}, follow=True)

        assert "No role was changed" in said.content.decode()
        assert not AuditEntry.objects.filter(action="roles.changed").exists()

    def test_of_staff_are_shown_to_an_operator_without_a_way_to_change_them(self, operator, person):
        path = reverse("admin:accounts_user_change_roles", args=[person.pk])

        asked = browser_of(operator).post(path, {"chosen": ["listener", "creator", "admin"]})

        assert asked.status_code == 302
        assert browser_of(operator).get(path).content.decode().count(" disabled") >= 2

    @pytest.mark.parametrize("role", ["operator", "admin"])
    def test_of_staff_are_given_by_an_admin_alone(self, operator, admin, person, role):
        said = change(browser_of(operator), person, role).content.decode()
        assert "only an admin may do it" in said
        assert role not in roles_of(person)

        change(browser_of(admin), person, role)
        assert role in roles_of(person)
        assert User.objects.get(pk=person.pk).is_staff

    def test_of_staff_are_taken_by_an_admin_alone(self, operator, admin):
        other = make_user(roles=REGISTRATION_ROLES | {RoleName.OPERATOR})

        for taken in ("operator", "creator"):
            said = change(browser_of(operator), other, taken=taken).content.decode()
            assert "only an admin may do it" in said
        change(browser_of(admin), other, taken="operator")

        assert roles_of(other) == {"listener", "creator"}

    @pytest.mark.parametrize("role", ["moderator", "admin"])
    def test_are_never_ones_own(self, admin, operator, role):
        for user in (admin, operator):
            said = change(browser_of(user), user, role, "listener").content.decode()
            assert "Nobody does this to his own account" in said
        assert roles_of(admin) == {"admin"}
        assert roles_of(operator) == {"listener", "creator", "operator"}

    def test_of_a_program_are_none_of_staff(self, admin):
        program = make_user(is_machine=True)

        said = change(browser_of(admin), program, "operator").content.decode()

        assert "A program cannot be an operator or an admin" in said
        assert roles_of(program) == {"listener", "creator"}

    @pytest.mark.parametrize("name", ["king", "", "admin; DROP TABLE", "\0"])
    def test_that_there_are_not_are_given_to_nobody(self, admin, person, name):
        change(browser_of(admin), person, name)

        assert roles_of(person) == {"listener", "creator"}


class TestPermissions:
    def test_decide_what_is_offered_and_done(self, operator, person):
        turn_on(person)
        browser = browser_of(operator)
        offered = browser.get(page_of(person)).content.decode()
        assert "Change roles" in offered
        assert "Reset second factor" in offered

        RolePermission.objects.filter(permission_id__in=["users.manage", "roles.grant"]).delete()

        seen = browser_of(operator).get(page_of(person)).content.decode()
        assert "Change roles" not in seen
        assert "Reset second factor" not in seen
        for name in ("change_roles", *STEPS):
            assert step(browser_of(operator), person, name).status_code == 403, name
        assert SecondFactor.objects.filter(user=person).exists()

    @pytest.mark.parametrize("role", [RoleName.LISTENER, RoleName.MODERATOR, RoleName.INGESTOR])
    def test_are_worth_nothing_to_who_is_no_staff(self, person, role):
        RolePermission.objects.create(role_id=role, permission_id="users.manage")
        RolePermission.objects.create(role_id=role, permission_id="roles.grant")
        intruder = make_user(roles=frozenset({role}))

        for name in ("change_roles", *STEPS):
            path = reverse(f"admin:accounts_user_{name}", args=[person.pk])
            answer = browser_of(intruder).post(path, {"confirmed": "yes", "given": "admin"})
            assert answer.status_code == 302, name
            assert answer["Location"].startswith(reverse("admin:login")), name
        assert roles_of(person) == {"listener", "creator"}

    def test_are_not_enough_without_a_token_of_the_form(self, admin, person):
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(admin)

        for name in ("change_roles", *STEPS):
            assert step(browser, person, name, given="admin").status_code == 403, name
        assert roles_of(person) == {"listener", "creator"}

    def test_do_nothing_by_a_link(self, admin, person):
        turn_on(person)
        sign_in(person)
        for name in STEPS:
            path = reverse(f"admin:accounts_user_{name}", args=[person.pk])
            page = browser_of(admin).get(path, {"confirmed": "yes"})
            assert page.status_code == 200
            assert "What will happen" in page.content.decode()

        assert SecondFactor.objects.filter(user=person).exists()
        assert Session.objects.get(user=person, revoked_at=None)
        assert User.objects.get(pk=person.pk).email_verified_at is None

    @pytest.mark.parametrize("id_", ["nobody", "019ab1f2-0000-7000-8000-000000000000"])
    def test_find_nobody_where_nobody_is(self, admin, id_):
        for name in ("change_roles", *STEPS):
            path = reverse(f"admin:accounts_user_{name}", args=[id_])
            assert browser_of(admin).post(path, {"confirmed": "yes"}).status_code == 404


class TestResetOfFactors:
    def test_lets_the_owner_in_with_the_password_alone(self, operator, person):
        turn_on(person)
        Passkey.objects.create(
            user=person, name="key", credential_id="abc", public_key=b"", sign_count=0
        )
        sign_in(person)

        said = step(browser_of(operator), person, "reset_factors").content.decode()

        assert "done" in said
        assert not SecondFactor.objects.filter(user=person).exists()
        assert not Passkey.objects.filter(user=person).exists()
        assert not Session.objects.filter(user=person, revoked_at=None).exists()
        entry = AuditEntry.objects.get(action="two_factor.reset")
        assert (entry.user_id, entry.actor_id) == (person.id, str(operator.id))
        assert entry.details == {"second_factor": True, "passkeys": 1}

    def test_is_told_to_the_owner(self, operator, person, mailoutbox):
        turn_on(person)
        react()
        mailoutbox.clear()

        step(browser_of(operator), person, "reset_factors")
        react()

        assert [sent.to for sent in mailoutbox] == [[person.email]]
        assert "second factor of your account was changed" in mailoutbox[0].subject

    def test_of_staff_is_for_admins(self, operator, admin):
        other = make_user(roles=frozenset({RoleName.OPERATOR}))
        turn_on(other)
        cookie = browser_of(other)

        said = step(browser_of(operator), other, "reset_factors").content.decode()
        assert "only an admin" in said
        assert SecondFactor.objects.filter(user=other).exists()
        step(browser_of(admin), other, "reset_factors")

        assert not SecondFactor.objects.filter(user=other).exists()
        assert cookie.get(page_of(other)).status_code == 302

    def test_of_oneself_is_refused(self, admin):
        make_user(roles=frozenset({RoleName.ADMIN}))
        turn_on(admin)
        browser = browser_of(admin)
        session = browser.session
        session["second_factor"] = str(SecondFactor.objects.get(user=admin).id)
        session.save()

        assert "his own account" in step(browser, admin, "reset_factors").content.decode()
        assert SecondFactor.objects.filter(user=admin).exists()

    def test_of_who_has_none_changes_nothing(self, operator, person):
        said = step(browser_of(operator), person, "reset_factors").content.decode()

        assert "neither a second factor nor a passkey" in said
        assert not AuditEntry.objects.filter(action="two_factor.reset").exists()


class TestOtherHelp:
    def test_ends_all_sessions(self, operator, person):
        sign_in(person)
        sign_in(person)

        step(browser_of(operator), person, "end_sessions")

        reasons = Session.objects.filter(user=person).values_list("revoked_reason", flat=True)
        assert list(reasons) == ["by_operator", "by_operator"]

    def test_verifies_an_address(self, operator, person):
        assert person.email in (
            browser_of(operator)
            .get(reverse("admin:accounts_user_verify_email", args=[person.pk]))
            .content.decode()
        )
        step(browser_of(operator), person, "verify_email")

        assert User.objects.get(pk=person.pk).email_verified_at is not None
        entry = AuditEntry.objects.get(action="email.verified")
        assert (entry.user_id, entry.actor_id) == (person.id, str(operator.id))
        assert "Verify e-mail" not in browser_of(operator).get(page_of(person)).content.decode()

    def test_cancels_an_erasure(self, operator, person):
        User.objects.filter(pk=person.pk).update(erase_at=timezone.now() + timedelta(days=1))

        step(browser_of(operator), person, "cancel_erasure")

        assert User.objects.get(pk=person.pk).erase_at is None
        entry = AuditEntry.objects.get(action="erasure.cancelled")
        assert entry.actor_id == str(operator.id)
        again = step(browser_of(operator), person, "cancel_erasure").content.decode()
        assert "Nobody has asked for the erasure" in again

    def test_is_not_given_to_who_is_gone(self, admin, person):
        User.objects.filter(pk=person.pk).update(erased_at=timezone.now())

        for name in ("reset_factors", "verify_email", "cancel_erasure"):
            assert "no such user" in step(browser_of(admin), person, name).content.decode()
        page = browser_of(admin).get(page_of(person)).content.decode()
        assert "End sessions" not in page


class TestTheLastAdmin:
    """One who can still sign in, and has not asked to be erased."""

    @pytest.fixture(autouse=True)
    def _others(self) -> None:
        soon = timezone.now() + timedelta(days=1)
        make_user(roles=frozenset({RoleName.ADMIN}), is_active=False)
        make_user(roles=frozenset({RoleName.ADMIN}), erase_at=soon)

    def test_keeps_the_role(self, admin):
        with pytest.raises(LastAdminError):
            accounts.set_roles(user_id=admin.id, roles=frozenset(), now=timezone.now())

        assert roles_of(admin) == {"admin"}
        assert User.objects.get(pk=admin.pk).is_superuser

    def test_is_not_deactivated(self, admin):
        with pytest.raises(LastAdminError):
            accounts.set_active(user_id=admin.id, is_active=False, now=timezone.now())

        assert User.objects.get(pk=admin.pk).is_active

    def test_is_not_erased(self, admin):
        body = {"password": PASSWORD}

        answer = client_of(admin).delete("/api/v1/users/me", body, format="json")

        assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")
        assert User.objects.get(pk=admin.pk).erase_at is None

    def test_makes_way_for_another(self, admin):
        make_user(roles=frozenset({RoleName.ADMIN}))

        accounts.set_roles(user_id=admin.id, roles=frozenset(), now=timezone.now())

        assert roles_of(admin) == set()
