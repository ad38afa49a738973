"""Registration, profiles, roles and standing, as services."""

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from apps.auth.errors import RegistrationError, UserNotFoundError
from apps.auth.events import SessionCreated, SessionRevoked, UserCreated, UserUpdated
from apps.auth.models import Session, User
from apps.auth.services import accounts
from apps.auth.services.sessions import SignIn
from apps.auth.types import REGISTRATION_ROLES, RoleName
from tests.factories.auth import PASSWORD, PHONE, make_user, sign_in
from tests.support import published
from veza.kit.models import new_id

pytestmark = pytest.mark.django_db


def register(
    username: str = "ada", email: str = "ada@example.org", password: str = PASSWORD
) -> SignIn:
    return accounts.register(
        username=username, email=email, password=password, client=PHONE, now=timezone.now()
    )


def faults(**fields: str) -> set[tuple[str, str]]:
    with pytest.raises(RegistrationError) as caught:
        register(**fields)
    assert not User.objects.filter(username=fields.get("username", "ada")).exists()
    return {(fault.field, fault.code) for fault in caught.value.fields}


class TestRegister:
    def test_makes_a_listener_and_creator_who_is_signed_in(self):
        signed_in = register()

        user = User.objects.get()
        assert signed_in.user == user
        assert user.roles == ("listener", "creator")
        assert (user.is_staff, user.is_superuser, user.display_name) == (False, False, "ada")
        assert Session.objects.get().user == user
        assert published(UserCreated) == [{"user_id": str(user.id), "username": "ada"}]
        assert len(published(SessionCreated)) == 1

    def test_names_everything_that_is_wrong_at_once(self):
        make_user(username="Ada", email="bob@example.org")

        with pytest.raises(RegistrationError) as caught:
            register(username="ada", email="BOB@example.org", password="short")

        assert {(fault.field, fault.code) for fault in caught.value.fields} >= {
            ("username", "username_taken"),
            ("email", "email_taken"),
            ("password", "password_too_short"),
        }

    @pytest.mark.parametrize(
        ("password", "code"),
        [
            ("elevenchars", "password_too_short"),
            ("x" + "long " * 250, "password_too_long"),
            ("nul\0 in the middle", "password_invalid"),
            ("1234509876543210", "password_entirely_numeric"),
            ("international", "password_too_common"),
            ("Sunshine#2026", "password_too_common"),
            ("dragon" * 2, "password_too_common"),
            ("vezaveza1234", "password_too_common"),
            ("Password-Password-1", "password_too_common"),
            ("grace.hopper.99", "password_too_similar"),
        ],
    )
    def test_refuses_a_weak_password(self, password, code):
        codes = faults(username="grace.hopper", email="g@example.org", password=password)

        assert ("password", code) in codes

    @pytest.mark.parametrize(
        "password",
        [
            "correct horse battery",
            "🎧🥁🎸🎹🎺🎻🪕🪘🎤🎷📻🎼",
            "  spaces count  ",
            "ж" * 6 + "щ" * 60,
        ],
    )
    def test_takes_any_characters(self, password):
        assert register(password=password).user.check_password(password)

    def test_tells_apart_passwords_that_differ_after_72_bytes(self, settings):
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.BCryptSHA256PasswordHasher"]
        beginning = "a tape that runs for a long, long while, and then a little longer, " + "ab" * 4

        user = register(password=beginning + "x").user

        assert user.password.startswith("bcrypt_sha256$")
        assert not user.check_password(beginning + "y")
        assert not user.check_password(beginning)


class TestDatabase:
    @pytest.mark.parametrize("username", ["ab", "a" * 51, "with space", "ünicode", "new\nline"])
    def test_refuses_a_name_that_is_none(self, username):
        with pytest.raises(DatabaseError), transaction.atomic():
            User.objects.create(username=username, email=f"{new_id()}@example.org")

    def test_refuses_the_same_name_or_address_in_another_case(self):
        make_user(username="ada", email="ada@example.org")

        with pytest.raises(IntegrityError), transaction.atomic():
            make_user(username="ADA", email="other@example.org")
        with pytest.raises(IntegrityError), transaction.atomic():
            make_user(username="bob", email="ADA@example.org")


class TestUpdateProfile:
    def test_changes_what_is_given_and_reports_that(self):
        user = make_user(bio="old", location="here")

        accounts.update_profile(user_id=user.id, changes={"bio": "new", "location": "here"})

        user.refresh_from_db()
        assert (user.bio, user.location) == ("new", "here")
        assert published(UserUpdated) == [
            {"user_id": str(user.id), "username": user.username, "changed": ["bio"]}
        ]

    def test_reports_nothing_when_nothing_changes(self):
        user = make_user(bio="same")

        accounts.update_profile(user_id=user.id, changes={"bio": "same"})

        assert published(UserUpdated) == []

    def test_has_no_effect_on_anything_but_the_profile(self):
        user = make_user()

        accounts.update_profile(
            user_id=user.id,
            changes={"is_staff": True, "is_superuser": True, "email": "x@example.org"},
        )

        user.refresh_from_db()
        assert (user.is_staff, user.is_superuser) == (False, False)
        assert user.email != "x@example.org"

    def test_tells_when_there_is_no_such_user(self):
        with pytest.raises(UserNotFoundError):
            accounts.update_profile(user_id=new_id(), changes={"bio": "x"})


class TestSetRoles:
    @pytest.mark.parametrize(
        ("role", "powers"),
        [
            (RoleName.MODERATOR, (False, False)),
            (RoleName.OPERATOR, (True, False)),
            (RoleName.ADMIN, (True, True)),
        ],
    )
    def test_decides_who_may_enter_the_admin_site(self, role, powers):
        user = make_user()

        accounts.set_roles(user_id=user.id, roles=REGISTRATION_ROLES | {role}, now=timezone.now())

        user = User.objects.get()
        assert (user.is_staff, user.is_superuser) == powers
        assert user.roles == ("listener", "creator", role)
        assert [fact["changed"] for fact in published(UserUpdated)] == [["roles"]]

    def test_keeps_sessions_when_a_role_is_added_and_ends_them_when_one_is_lost(self):
        user = make_user()
        sign_in(user)

        accounts.set_roles(
            user_id=user.id, roles=REGISTRATION_ROLES | {RoleName.OPERATOR}, now=timezone.now()
        )
        assert published(SessionRevoked) == []

        accounts.set_roles(user_id=user.id, roles=REGISTRATION_ROLES, now=timezone.now())
        assert [fact["reason"] for fact in published(SessionRevoked)] == ["role_lost"]
        assert User.objects.get().is_staff is False


class TestSetActive:
    def test_signs_out_who_is_deactivated(self):
        user = make_user()
        sign_in(user)

        for _ in range(2):
            accounts.set_active(user_id=user.id, is_active=False, now=timezone.now())

        assert User.objects.get().is_active is False
        assert [fact["reason"] for fact in published(SessionRevoked)] == ["deactivated"]
        assert [fact["changed"] for fact in published(UserUpdated)] == [["is_active"]]


class TestCreateSuperuser:
    def test_makes_an_admin_who_is_found_in_any_case(self):
        User.objects.create_superuser("Root", "root@example.org", PASSWORD)

        user = User.objects.get_by_natural_key("rOOt")
        assert user.roles == ("admin",)
        assert (user.is_staff, user.is_superuser) == (True, True)

    def test_says_what_is_wrong_with_the_name(self):
        make_user(username="root")

        for name, words in (("ROOT", "taken"), ("no spaces", "3 to 50")):
            with pytest.raises(ValidationError, match=words):
                User.objects.create_superuser(name, "other@example.org", PASSWORD)
