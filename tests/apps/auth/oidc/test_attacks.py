"""What a thief, another browser or a false provider may try, and what happens when it is away."""

import base64
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from werkzeug import Request, Response

from apps.auth.models import AuditEntry, Passkey, Session, SocialAttempt, User
from apps.auth.services.social_attempts import ATTEMPT_LASTS
from tests.apps.auth.oidc.forger import Forger
from tests.apps.auth.oidc.pages import sign_in_there
from tests.apps.auth.oidc.provider import CLIENT_ID, CLIENT_SECRET
from tests.apps.auth.oidc.steps import ROOT, begin, begun, code_of, finish
from tests.factories.auth import client_of
from veza.integrations.identity_provider.openid import OpenIdProvider

pytestmark = pytest.mark.django_db


class TestState:
    def test_works_once(self, api_client, real):
        told = begun(api_client)
        back = sign_in_there(told["authorization_url"], login="ada")

        assert finish(api_client, told, back).status_code == 201
        assert code_of(finish(api_client, told, back)) == (401, "social_state_invalid")
        assert Session.objects.count() == 1

    def test_is_nothing_without_the_secret_of_its_browser(self, api_client, real):
        mine, other = begun(api_client), begun(api_client)
        back = sign_in_there(mine["authorization_url"], login="ada")

        assert code_of(finish(api_client, other, back)) == (401, "social_state_invalid")
        assert not User.objects.exists()
        assert finish(api_client, mine, back).status_code == 201  # the thief has spoilt nothing

    def test_does_not_take_the_code_of_another_browser(self, api_client, real):
        """A thief lets his victim finish what he began: the code is bound to its own attempt."""
        thief, victim = begun(api_client), begun(api_client)
        stolen = sign_in_there(victim["authorization_url"], login="ada")

        response = finish(api_client, thief, {"state": thief["state"], "code": stolen["code"]})

        assert code_of(response) == (401, "social_refused")
        assert not User.objects.exists()

    def test_is_over_after_ten_minutes(self, api_client, forger):
        told = begun(api_client, "forged")
        back = forger.authorize(told["authorization_url"])

        with time_machine.travel(timezone.now() + ATTEMPT_LASTS + timedelta(seconds=1)):
            assert code_of(finish(api_client, told, back, "forged")) == (
                401,
                "social_state_invalid",
            )
        assert forger.forms == []

    def test_belongs_to_one_provider(self, api_client, forger, settings):
        told = begun(api_client, "forged")
        settings.OIDC_PROVIDERS |= {"other": settings.OIDC_PROVIDERS["forged"]}

        response = finish(api_client, told, forger.authorize(told["authorization_url"]), "other")

        assert code_of(response) == (401, "social_state_invalid")

    def test_is_refused_when_another_issuer_answers(self, api_client, forger):
        """Mix-up (RFC 9207)."""
        told = begun(api_client, "forged")
        back = forger.authorize(told["authorization_url"])

        mixed = finish(api_client, told, back, "forged", iss="https://evil.example")

        assert code_of(mixed) == (401, "social_state_invalid")
        assert forger.forms == []
        assert finish(api_client, told, back, "forged", iss=forger.issuer).status_code == 201

    @pytest.mark.parametrize("field", ["state", "secret", "code"])
    @pytest.mark.parametrize("value", ["", None, 7, ["x"], "x" * 5000, "\x00"])
    def test_has_a_form(self, api_client, forger, field, value):
        told = begun(api_client, "forged")
        body = {"state": told["state"], "code": "c", "secret": told["secret"], field: value}

        response = api_client.post(f"{ROOT}/forged/finish", body, format="json")

        assert response.status_code == 400
        assert SocialAttempt.objects.count() == 1

    def test_stands_nowhere_in_the_database(self, api_client, forger):
        told = begun(api_client, "forged")

        [row] = SocialAttempt.objects.values()

        assert told["state"] not in str(row)
        assert told["secret"] not in str(row)

    def test_is_forgotten_in_time(self, api_client, forger):
        with time_machine.travel(timezone.now() - timedelta(minutes=11)):
            begun(api_client, "forged")
        begun(api_client, "forged")

        assert SocialAttempt.objects.count() == 1


class TestCode:
    def test_works_once_at_the_provider(self, api_client, real):
        told = begun(api_client)
        back = sign_in_there(told["authorization_url"], login="ada")
        finish(api_client, told, back)
        other = begun(api_client)

        response = finish(api_client, other, back | {"state": other["state"]})

        assert code_of(response) == (401, "social_refused")
        assert AuditEntry.objects.filter(action="social.refused").count() == 1

    def test_that_is_wrong_ends_the_attempt(self, api_client, forger):
        told = begun(api_client, "forged")
        back = forger.authorize(told["authorization_url"])
        forger.token_status = 400

        assert code_of(finish(api_client, told, back, "forged")) == (401, "social_refused")
        forger.token_status = 200
        assert code_of(finish(api_client, told, back, "forged")) == (401, "social_state_invalid")

    def test_is_redeemed_with_all_that_proves_it_ours(self, forger, signed_in):
        assert signed_in().status_code == 201

        [form], [authorization] = forger.forms, forger.authorizations
        assert form.keys() == {"grant_type", "code", "redirect_uri", "code_verifier"}
        assert len(form["code_verifier"]) == 43
        told = base64.b64decode(str(authorization).removeprefix("Basic ")).decode()
        assert told == "veza+of+the+tests:with+a+blank%2C+a+%2B+and+a+%25"

    def test_is_redeemed_in_the_form_for_providers_that_want_it_so(self, forger, signed_in):
        forger.document["token_endpoint_auth_methods_supported"] = ["client_secret_post"]

        assert signed_in().status_code == 201

        [form], [authorization] = forger.forms, forger.authorizations
        assert (form["client_id"], form["client_secret"]) == (CLIENT_ID, CLIENT_SECRET)
        assert authorization is None


class TestAway:
    @pytest.fixture
    def away(self, forger: Forger):
        forger.server.clear()
        return forger

    def test_is_told_at_the_beginning(self, api_client, away):
        assert code_of(begin(api_client, "forged")) == (503, "social_provider_away")
        assert not SocialAttempt.objects.exists()

    def test_is_told_at_once_when_asked_again(self, api_client, away):
        begin(api_client, "forged")
        begin(api_client, "forged")

        assert len(away.server.log) == 1

    def test_is_over_when_it_is_back(self, api_client, forger):
        document, forger.document = forger.document, {}
        begin(api_client, "forged")
        forger.document = document

        with time_machine.travel(timezone.now() + timedelta(seconds=6)):
            assert begin(api_client, "forged").status_code == 200

    def test_is_told_when_nobody_listens(self, api_client, forger, settings):
        settings.OIDC_PROVIDERS["forged"] |= {"issuer": "http://127.0.0.1:1"}

        assert code_of(begin(api_client, "forged")) == (503, "social_provider_away")

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_is_told_at_the_end(self, forger, signed_in, status):
        forger.token_status = status

        assert code_of(signed_in()) == (503, "social_provider_away")
        assert not SocialAttempt.objects.exists()
        assert not User.objects.exists()

    @pytest.mark.parametrize(
        "change",
        [
            {"issuer": "https://evil.example"},
            {"issuer": None},
            {"token_endpoint": None},
            {"token_endpoint": 7},
            {"jwks_uri": "file:///etc/passwd"},
            {"authorization_endpoint": "javascript:alert(1)"},
        ],
        ids=str,
    )
    def test_is_what_a_false_document_means(self, api_client, forger, change):
        forger.document |= change

        assert code_of(begin(api_client, "forged")) == (503, "social_provider_away")

    @pytest.mark.parametrize("body", [b"[]", b"x", b"", b"\xff", b"{" * 300_000])
    def test_is_what_garbage_means(self, api_client, away, body):
        away.server.expect_request("/.well-known/openid-configuration").respond_with_data(body)

        assert code_of(begin(api_client, "forged")) == (503, "social_provider_away")

    def test_follows_no_redirect(self, api_client, away):
        away.server.expect_request("/.well-known/openid-configuration").respond_with_data(
            status=302, headers={"Location": away.server.url_for("/elsewhere")}
        )

        assert code_of(begin(api_client, "forged")) == (503, "social_provider_away")
        assert len(away.server.log) == 1

    def test_unpacks_nothing(self, api_client, away):
        def bomb(_: Request) -> Response:
            return Response(b"\x1f\x8b", headers={"Content-Encoding": "gzip"})

        away.server.expect_request("/.well-known/openid-configuration").respond_with_handler(bomb)

        assert code_of(begin(api_client, "forged")) == (503, "social_provider_away")


class Watching(OpenIdProvider):
    """Tells whether it was called in a transaction."""

    seen: list[bool]

    def authorization_url(self, **told):
        Watching.seen.append(connection.in_atomic_block)
        return super().authorization_url(**told)

    def identify(self, **told):
        Watching.seen.append(connection.in_atomic_block)
        return super().identify(**told)


@pytest.mark.django_db(transaction=True)
def test_no_transaction_waits_for_a_provider(settings, signed_in):
    Watching.seen = []
    settings.IDENTITY_PROVIDER_BACKEND = f"{__name__}.Watching"

    assert signed_in().status_code == 201
    assert Watching.seen == [False, False]


def test_steps_are_limited_per_address(api_client, forger, settings):
    settings.RATE_LIMIT_LOGIN_PER_MINUTE = 1
    for _ in range(2):
        begun(api_client, "forged")

    assert code_of(begin(api_client, "forged")) == (429, "rate_limited")


def test_the_last_passkey_of_a_social_account_stays(signed_in):
    """Unlinking first must not open the way to an account that nobody can sign in to."""
    signed_in()
    user = User.objects.get()
    own = client_of(user)
    passkey = user_passkey(user)
    [identity] = own.get(f"{ROOT}/identities").json()["results"]

    assert own.delete(f"{ROOT}/identities/{identity['id']}").status_code == 204
    response = own.delete(f"/api/v1/auth/passkeys/{passkey.id}")

    assert code_of(response) == (409, "last_credential")
    assert own.get("/api/v1/auth/passkeys").json()["results"] != []


def user_passkey(user: User):
    return Passkey.objects.create(
        user=user, name="key", credential_id="AAAA", public_key=b"x", sign_count=0
    )
