"""Passkeys as Chromium makes them, with a virtual authenticator, against a running server."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page, sync_playwright

from tests.apps.realtime.live import PASSWORD, Account, Live, laid_out
from tests.browser.test_pages import FLAGS
from tests.patience import PATIENCE_MS

pytestmark = pytest.mark.needs_browser

ROOT = "/api/v1/auth"
CREATE = """async options => (await navigator.credentials.create({
    publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)
})).toJSON()"""
GET = """async options => (await navigator.credentials.get({
    publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options)
})).toJSON()"""
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@dataclass
class Desk:
    """A browser with an authenticator, and somebody who sits there."""

    live: Live
    page: Page
    devtools: CDPSession
    authenticator: str
    account: Account

    def ask(self, path: str, body: object = None, *, method: str = "POST") -> tuple[int, Any]:
        """What the API answers to this person."""
        call = self.live.web.call(method, path, json=body, headers=self.account.headers)
        return call.status_code, call.json() if call.content else None

    def register(self, name: str = "Laptop") -> tuple[int, Any]:
        status, options = self.ask(f"{ROOT}/passkeys/register/options")
        assert status == 200, options
        credential = self.page.evaluate(CREATE, options)
        return self.ask(f"{ROOT}/passkeys/register", {"credential": credential, "name": name})

    def assertion(self) -> Any:
        """What the authenticator answers to a new challenge."""
        return self.page.evaluate(GET, self.ask(f"{ROOT}/passkeys/login/options")[1])

    def log_in(self, credential: Any) -> tuple[int, Any]:
        answer = self.live.web.call(
            "POST", f"{ROOT}/passkeys/login", json={"credential": credential}
        )
        return answer.status_code, answer.json()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Known as localhost: browsers make passkeys for names alone."""
    with laid_out(tmp_path_factory.mktemp("live")) as live:
        live.web.environment["PUBLIC_URL"] = f"http://localhost:{live.web.port}"
        live.relay.start()
        live.web.start()
        yield live


@pytest.fixture
def desk(live: Live) -> Iterator[Desk]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=FLAGS)
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"http://localhost:{live.web.port}/")
        devtools = page.context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        made = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        yield Desk(live, page, devtools, made["authenticatorId"], live.web.register())
        browser.close()


def codes(*answers: tuple[int, Any]) -> list[tuple[int, str]]:
    return [(status, body["code"]) for status, body in answers]


def test_a_passkey_signs_in_without_a_password_and_without_a_code(desk: Desk) -> None:
    other = desk.live.web.call(
        "POST", f"{ROOT}/login", json={"login": desk.account.username, "password": PASSWORD}
    ).json()["access"]

    status, passkey = desk.register()
    assert status == 201, passkey
    assert passkey.keys() == {"id", "name", "created_at", "last_used_at"}
    gone = desk.live.web.call(
        "GET", "/api/v1/users/me", headers={"Authorization": f"Bearer {other}"}
    )
    assert gone.status_code == 401  # other sessions end when the ways in change

    status, body = desk.log_in(desk.assertion())
    assert status == 200, body
    assert body["user"]["id"] == desk.account.id
    assert body.keys() == {"user", "access", "refresh", "expires_in"}
    status, listed = desk.ask(f"{ROOT}/passkeys", method="GET")
    assert [each["name"] for each in listed["results"]] == ["Laptop"]
    assert listed["results"][0]["last_used_at"] is not None


def test_an_answer_counts_once_and_for_five_minutes(desk: Desk) -> None:
    desk.register()
    answer, late = desk.assertion(), desk.assertion()

    assert desk.log_in(answer)[0] == 200
    assert codes(desk.log_in(answer)) == [(401, "passkey_invalid")]
    desk.live.query(
        "UPDATE accounts_passkeychallenge SET expires_at = expires_at - interval '5 minutes'"
    )
    assert codes(desk.log_in(late)) == [(401, "passkey_invalid")]


def test_a_copy_of_the_authenticator_is_refused(desk: Desk) -> None:
    desk.register()
    held = {"authenticatorId": desk.authenticator}
    copy = desk.devtools.send("WebAuthn.getCredentials", held)["credentials"][0]
    for _ in range(2):
        assert desk.log_in(desk.assertion())[0] == 200
    desk.devtools.send("WebAuthn.clearCredentials", held)
    desk.devtools.send("WebAuthn.addCredential", held | {"credential": copy})

    assert codes(desk.log_in(desk.assertion())) == [(401, "passkey_invalid")]
    refused = desk.live.query(
        "SELECT count(*) FROM accounts_auditentry WHERE action = 'passkey.refused'"
        " AND user_id = %s", desk.account.id,
    )  # fmt: skip
    assert refused == [(1,)]


def test_an_answer_that_was_changed_is_refused(desk: Desk) -> None:
    desk.register()
    for part in ("signature", "authenticatorData"):
        answer = desk.assertion()
        text = answer["response"][part]
        middle = len(text) // 2
        changed = "A" if text[middle] != "A" else "B"
        answer["response"][part] = text[:middle] + changed + text[middle + 1 :]
        assert codes(desk.log_in(answer)) == [(401, "passkey_invalid")], part


def test_an_answer_to_a_page_of_another_origin_is_refused(desk: Desk) -> None:
    desk.register()
    with desk.live.another_web() as elsewhere:
        desk.page.goto(f"http://localhost:{elsewhere.port}/")
        assert codes(desk.log_in(desk.assertion())) == [(401, "passkey_invalid")]


def test_it_steps_a_session_up_that_is_its_owners(desk: Desk) -> None:
    desk.register()
    desk.live.query("UPDATE accounts_session SET stepped_up_at = now() - interval '11 minutes'")
    refused = desk.ask(f"{ROOT}/passkeys/register/options")
    assert codes(refused) == [(403, "step_up_required")]

    status, body = desk.ask(f"{ROOT}/step-up", {"credential": desk.assertion()})
    assert status == 204, body
    assert desk.ask(f"{ROOT}/passkeys/register/options")[0] == 200

    desk.account = desk.live.web.register()
    answer = desk.ask(f"{ROOT}/step-up", {"credential": desk.assertion()})
    assert codes(answer) == [(401, "passkey_invalid")]


def test_it_works_no_more_when_it_was_removed_by_its_owner(desk: Desk) -> None:
    passkey = desk.register()[1]
    owner, desk.account = desk.account, desk.live.web.register()
    foreign = desk.ask(f"{ROOT}/passkeys/{passkey['id']}", method="DELETE")
    assert codes(foreign) == [(404, "passkey_not_found")]
    assert desk.log_in(desk.assertion())[0] == 200

    desk.account = owner
    assert desk.ask(f"{ROOT}/passkeys/{passkey['id']}", method="DELETE")[0] == 204
    assert codes(desk.log_in(desk.assertion())) == [(401, "passkey_invalid")]


def test_it_needs_a_person_whom_the_authenticator_knows(desk: Desk) -> None:
    desk.register()
    answer = desk.assertion()
    options = desk.ask(f"{ROOT}/passkeys/login/options")[1] | {"userVerification": "discouraged"}
    held = {"authenticatorId": desk.authenticator}
    desk.devtools.send("WebAuthn.setUserVerified", held | {"isUserVerified": False})
    unverified = desk.page.evaluate(GET, options)

    assert codes(desk.log_in(unverified)) == [(401, "passkey_invalid")]
    assert desk.log_in(answer)[0] == 200
