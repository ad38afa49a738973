"""Signing in at a real provider, from the first call to the last."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.auth.events import UserUpdated
from apps.auth.models import AuditEntry, Session, SocialAttempt, SocialIdentity, User
from tests.apps.auth.oidc.pages import query_of, sign_in_there
from tests.apps.auth.oidc.provider import CALLBACK
from tests.apps.auth.oidc.steps import IDENTITIES, ROOT, begin, begun, code_of, finish
from tests.factories.auth import PASSWORD, client_of, make_user
from tests.factories.factors import code_of as otp_of
from tests.factories.factors import turn_on
from tests.support import published

pytestmark = pytest.mark.django_db
ME = "/api/v1/users/me"


def bearer(response) -> dict[str, str]:
    return {"Authorization": f"Bearer {response.json()['access']}"}


def of(response) -> APIClient:
    """A client in which this answer is signed in."""
    return APIClient(HTTP_AUTHORIZATION=bearer(response)["Authorization"])


class TestProviders:
    def test_are_listed_without_what_is_secret(self, api_client, real):
        assert api_client.get(ROOT).json() == {
            "results": [{"name": "real", "label": "A real one"}],
            "next": None,
            "previous": None,
        }

    def test_are_none_at_first(self, api_client):
        assert api_client.get(ROOT).json()["results"] == []


class TestBegin:
    def test_sends_the_browser_with_all_that_binds_the_answer(self, api_client, real):
        response = begin(api_client)

        assert response.status_code == 200
        assert response["Cache-Control"] == "no-store"
        told = response.json()
        assert told.keys() == {"authorization_url", "state", "secret"}
        asked = query_of(told["authorization_url"])
        assert asked["state"] == told["state"]
        assert asked["redirect_uri"] == CALLBACK
        assert asked["response_type"] == "code"
        assert asked["scope"] == "openid profile email"
        assert asked["code_challenge_method"] == "S256"
        assert len(asked["code_challenge"]) == 43
        assert len(asked["nonce"]) == 43
        assert told["secret"] not in told["authorization_url"]

    def test_differs_each_time(self, api_client, real):
        first, second = (query_of(begun(api_client)["authorization_url"]) for _ in range(2))

        for name in ("state", "nonce", "code_challenge"):
            assert first[name] != second[name]

    @pytest.mark.parametrize(
        "redirect_uri",
        [
            f"{CALLBACK}/",
            f"{CALLBACK}?next=https://evil.example",
            f"{CALLBACK}.evil.example",
            f" {CALLBACK}",
            CALLBACK.upper(),
            "https://app.example.org@evil.example/signed-in",
            "https://evil.example/",
            "//evil.example",
            "javascript:alert(1)",
        ],
    )
    def test_sends_nobody_anywhere_else(self, api_client, real, redirect_uri):
        response = begin(api_client, redirect_uri=redirect_uri)

        assert code_of(response) == (400, "invalid")
        assert [(e["field"], e["code"]) for e in response.json()["errors"]] == [
            ("redirect_uri", "redirect_uri_not_allowed")
        ]
        assert not SocialAttempt.objects.exists()

    def test_knows_no_other_provider(self, api_client, real):
        assert code_of(begin(api_client, "other")) == (404, "social_provider_unknown")


class TestFinish:
    def test_makes_an_account(self, api_client, sign_in_by):
        response = sign_in_by(api_client, "ada")

        assert response.status_code == 201, response.content
        assert response["Location"] == ME
        assert response["Cache-Control"] == "no-store"
        assert response.json().keys() == {"user", "access", "refresh", "expires_in"}
        user = response.json()["user"]
        assert user["username"] == "ada"
        assert user["display_name"] == "Ada Lovelace"
        assert user["email"] == "Ada@example.org"
        assert user["email_verified"] is True
        assert user["roles"] == ["listener", "creator"]
        assert api_client.get(ME, headers=bearer(response)).json() == user
        assert not User.objects.get().has_usable_password()

    def test_signs_in_to_it_again(self, api_client, sign_in_by):
        first = sign_in_by(api_client, "ada")
        second = sign_in_by(api_client, "ada")

        assert (first.status_code, second.status_code) == (201, 200)
        assert second.json()["user"]["id"] == first.json()["user"]["id"]
        identity = SocialIdentity.objects.get()
        assert identity.last_used_at is not None
        assert identity.last_used_at > identity.created_at
        assert not SocialAttempt.objects.exists()

    def test_verifies_no_address_that_the_provider_has_not(self, api_client, sign_in_by):
        user = sign_in_by(api_client, "bob").json()["user"]

        assert (user["username"], user["email_verified"]) == ("bob", False)

    def test_takes_another_name_where_one_is_taken(self, api_client, sign_in_by):
        make_user(username="ADA", email="other@example.org")

        user = sign_in_by(api_client, "ada").json()["user"]

        assert user["username"].startswith("ada-")

    def test_makes_no_account_without_an_address(self, api_client, sign_in_by):
        assert code_of(sign_in_by(api_client, "mute")) == (401, "social_refused")
        assert not User.objects.exists()

    @pytest.mark.parametrize("is_verified", [True, False])
    def test_takes_over_no_account_with_the_address(self, api_client, sign_in_by, is_verified):
        owner = make_user(
            username="owner",
            email="ada@EXAMPLE.org",
            email_verified_at=timezone.now() if is_verified else None,
        )

        response = sign_in_by(api_client, "ada")

        assert code_of(response) == (409, "account_exists")
        assert not SocialIdentity.objects.exists()
        assert not Session.objects.exists()
        assert AuditEntry.objects.filter(action="social.refused", user_id=owner.id).count() == 1

    def test_signs_in_nobody_who_was_deactivated(self, api_client, sign_in_by):
        sign_in_by(api_client, "ada")
        User.objects.update(is_active=False)

        assert code_of(sign_in_by(api_client, "ada")) == (401, "invalid_credentials")
        assert Session.objects.count() == 1

    def test_tells_the_audit_log(self, api_client, sign_in_by):
        sign_in_by(api_client, "ada")

        told = AuditEntry.objects.order_by("id").values_list("action", flat=True)
        assert list(told) == ["user.registered", "social.linked", "login.succeeded"]


class TestSecondFactor:
    def test_is_asked_for_and_may_be_added_to_the_same_answer(self, api_client, sign_in_by):
        sign_in_by(api_client, "ada")
        secret, _ = turn_on(User.objects.get())
        told = begun(api_client)
        back = sign_in_there(told["authorization_url"], login="ada")

        without = finish(api_client, told, back)
        wrong = finish(api_client, told, back, otp="000000")
        right = finish(api_client, told, back, otp=otp_of(secret, at=timezone.now()))
        again = finish(api_client, told, back, otp=otp_of(secret, at=timezone.now()))

        assert code_of(without) == (401, "otp_required")
        assert code_of(wrong) == (401, "otp_invalid")
        assert right.status_code == 200
        assert code_of(again) == (401, "social_state_invalid")

    def test_is_taken_at_once(self, api_client, sign_in_by):
        sign_in_by(api_client, "ada")
        secret, _ = turn_on(User.objects.get())

        otp = otp_of(secret, at=timezone.now())

        assert sign_in_by(api_client, "ada", otp=otp).status_code == 200

    def test_lets_no_other_code_or_secret_in(self, api_client, sign_in_by):
        sign_in_by(api_client, "ada")
        secret, _ = turn_on(User.objects.get())
        told = begun(api_client)
        back = sign_in_there(told["authorization_url"], login="ada")
        finish(api_client, told, back)
        otp = otp_of(secret, at=timezone.now())

        for changed in ({"code": "another"}, {"secret": "another"}):
            response = finish(api_client, told, back, otp=otp, **changed)
            assert code_of(response) == (401, "social_state_invalid")


class TestLinking:
    def test_opens_the_account_from_then_on(self, api_client, sign_in_by):
        user = make_user(username="ada", email="ada@example.org")
        other, own = client_of(user), client_of(user)

        response = sign_in_by(own, "ada")

        assert response.status_code == 201, response.content
        assert response.json().keys() == {
            "id", "provider", "label", "email", "created_at", "last_used_at",
        }  # fmt: skip
        assert response["Location"] == f"{IDENTITIES}/{response.json()['id']}"
        assert own.get(IDENTITIES).json()["results"] == [response.json()]
        assert published(UserUpdated)[-1]["changed"] == ["social"]
        assert other.get(ME).status_code == 401
        assert own.get(ME).status_code == 200
        signed_in = sign_in_by(api_client, "ada")
        assert signed_in.status_code == 200
        assert signed_in.json()["user"]["id"] == str(user.id)

    def test_is_done_once(self, sign_in_by):
        own = client_of(make_user())

        assert [sign_in_by(own, "ada").status_code for _ in range(2)] == [201, 200]
        assert SocialIdentity.objects.count() == 1

    def test_takes_no_login_from_another_account(self, api_client, sign_in_by):
        sign_in_by(api_client, "ada")

        assert code_of(sign_in_by(client_of(make_user()), "ada")) == (409, "account_exists")

    def test_needs_step_up(self, real):
        own = client_of(make_user())
        Session.objects.update(stepped_up_at=timezone.now() - timedelta(minutes=11))

        assert code_of(begin(own)) == (403, "step_up_required")

    def test_is_finished_by_nobody_but_who_began(self, api_client, real):
        user = make_user()
        own = client_of(user)
        told = begun(own)
        back = sign_in_there(told["authorization_url"], login="ada")

        for stranger in (api_client, client_of(make_user()), client_of(user)):
            assert code_of(finish(stranger, told, back)) == (401, "social_state_invalid")
        assert finish(own, told, back).status_code == 201

    def test_is_not_begun_by_who_was_signed_out(self, real):
        own = client_of(make_user())
        own.post("/api/v1/auth/logout")

        assert code_of(begin(own)) == (401, "token_invalid")


class TestUnlinking:
    def test_ends_what_the_login_opened(self, api_client, sign_in_by):
        own = client_of(make_user(email="ada@example.org"))
        linked = sign_in_by(own, "ada").json()

        assert own.delete(f"{IDENTITIES}/{linked['id']}").status_code == 204

        assert own.get(IDENTITIES).json()["results"] == []
        assert published(UserUpdated)[-1]["changed"] == ["social"]
        assert AuditEntry.objects.filter(action="social.unlinked").count() == 1
        assert code_of(sign_in_by(api_client, "ada")) == (409, "account_exists")

    def test_leaves_a_way_in(self, api_client, sign_in_by):
        first = of(sign_in_by(api_client, "ada"))
        [identity] = first.get(IDENTITIES).json()["results"]
        address = f"{IDENTITIES}/{identity['id']}"

        assert code_of(first.delete(address)) == (409, "last_credential")
        assert first.get(IDENTITIES).json()["results"] == [identity]

        sign_in_by(first, "bob")
        assert first.delete(address).status_code == 204

    def test_is_for_the_owner(self, api_client, sign_in_by):
        theirs = of(sign_in_by(api_client, "ada")).get(IDENTITIES).json()["results"][0]

        response = client_of(make_user()).delete(f"{IDENTITIES}/{theirs['id']}")

        assert code_of(response) == (404, "social_identity_not_found")
        assert SocialIdentity.objects.count() == 1

    def test_needs_step_up(self, api_client, sign_in_by):
        own = of(sign_in_by(api_client, "ada"))
        [identity] = own.get(IDENTITIES).json()["results"]
        Session.objects.update(stepped_up_at=timezone.now() - timedelta(minutes=11))

        assert code_of(own.delete(f"{IDENTITIES}/{identity['id']}")) == (403, "step_up_required")

    def test_has_no_list_for_strangers(self, api_client):
        assert code_of(api_client.get(IDENTITIES)) == (401, "not_authenticated")


def test_a_password_still_signs_in_after_linking(api_client, sign_in_by):
    user = make_user(username="ada")
    sign_in_by(client_of(user), "ada")

    body = {"login": "ada", "password": PASSWORD}

    assert api_client.post("/api/v1/auth/login", body, format="json").status_code == 200
