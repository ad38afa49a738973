"""Lids that are closed, second tabs, sessions that end: each is told in a sentence, and goes on."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.journeys.cable import Cable, cable
from tests.journeys.people import PASSWORD, House, Person, house
from tests.journeys.songs import song
from tests.patience import PATIENCE_S
from tests.veza.asgi.wire import CERTIFICATES

pytestmark = pytest.mark.needs_browser

HALF = 1_500_000
GOES_ON = "Choose the same file again and it goes on where it stopped."


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("house")) as found:
        yield found


@pytest.fixture
def wire(home: House) -> Iterator[Cable]:
    with cable(home.up.port) as made:
        yield made


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return song(tmp_path / "Long road.wav", 3)


def test_an_upload_outlasts_a_closed_lid(home: House, wire: Cable, tape: Path) -> None:
    nils = home.visitor(wire.address)
    nils.sign_up("nils")
    lid = nils.page.context.new_cdp_session(nils.page)

    wire.cut_after(HALF)
    nils.upload(tape)
    wire.wait_until_cut()
    lid.send("Page.setWebLifecycleState", {"state": "frozen"})
    home.up.restart("web")
    wire.mend()
    lid.send("Page.setWebLifecycleState", {"state": "active"})

    nils.sees(nils.page.get_by_role("button", name="Play Long road"))
    assert nils.faults == []


def test_an_upload_goes_on_in_another_tab_once_the_first_is_closed(
    home: House, wire: Cable, tape: Path
) -> None:
    petra = home.visitor(wire.address)
    petra.sign_up("petra")
    wire.cut_after(HALF)
    petra.upload(tape)
    petra.sees("The connection was lost at")
    other = Person(petra.page.context.new_page(), wire.address)
    petra.page.close()
    wire.mend()
    other.open("/upload")
    other.sees(GOES_ON)
    other.upload(tape)
    other.sees(other.page.get_by_role("button", name="Play Long road"))
    expect(other.page.get_by_text(GOES_ON)).to_have_count(0)
    assert other.faults == []


def test_two_tabs_do_not_send_the_same_file(home: House, wire: Cable, tape: Path) -> None:
    oskar = home.visitor(wire.address)
    oskar.sign_up("oskar")
    wire.cut_after(HALF)
    oskar.upload(tape)
    wire.wait_until_cut()
    oskar.press("Pause")
    wire.mend()
    tab = Person(oskar.page.context.new_page(), wire.address)
    tab.open("/upload")
    tab.sees(tab.page.get_by_role("heading", name="Upload"))
    tab.upload(tape)
    tab.sees("This file is on its way already, here or in another tab.")
    expect(tab.page.get_by_text(GOES_ON)).to_have_count(0)
    oskar.press("Go on")
    oskar.sees(oskar.page.get_by_role("button", name="Play Long road"))
    assert (oskar.faults, tab.faults) == ([], [])


def test_of_two_tabs_one_is_heard(home: House, tape: Path) -> None:
    wanda = home.visitor()
    wanda.sign_up("wanda")
    wanda.upload(tape)
    wanda.press("Play Long road")
    wanda.hears()
    tab = Person(wanda.page.context.new_page(), home.address)
    tab.open("/library")
    tab.press("Play Long road")
    tab.hears()
    player = wanda.page.get_by_role("region", name="Player")
    expect(player.get_by_role("button", name="Play", exact=True)).to_be_visible()
    tab.hears()


def test_a_session_that_ends_interrupts_an_upload_and_loses_nothing(
    home: House, wire: Cable, tape: Path
) -> None:
    edda = home.visitor(wire.address)
    edda.sign_up("edda")
    wire.cut_after(HALF)
    with edda.page.expect_request(lambda sent: "authorization" in sent.headers) as sent:
        edda.upload(tape)
    wire.wait_until_cut()
    revoke_all(home, "edda")
    wait_until_refused(home, sent.value.headers["authorization"])
    wire.mend()
    edda.sees("You were signed out: this session was ended")
    edda.was_told("“Long road.wav” stopped on its way.")  # not once signed in
    edda.page.get_by_label("User name or e-mail").fill("edda")
    edda.page.get_by_label("Password").fill(PASSWORD)
    edda.press("Sign in")
    edda.go("Upload")
    edda.sees("You were signed out meanwhile.")
    edda.press("Go on")
    edda.sees(edda.page.get_by_role("button", name="Play Long road"))
    assert edda.faults == []


def wait_until_refused(home: House, authorization: str) -> None:
    """For some seconds a process does not know yet that a session has ended."""
    where, headers = f"{home.address}/api/v1/users/me", {"Authorization": authorization}
    deadline = time.monotonic() + PATIENCE_S
    with httpx.Client(headers=headers, timeout=PATIENCE_S, verify=CERTIFICATES) as client:
        while client.get(where).status_code != httpx.codes.UNAUTHORIZED:
            assert time.monotonic() < deadline
            time.sleep(0.2)  # between two questions: callers are limited


def revoke_all(home: House, username: str) -> None:
    """From another device: a new session ends all the others."""
    said = {"login": username, "password": PASSWORD}
    api = f"{home.address}/api/v1/auth"
    answer = httpx.post(f"{api}/login", json=said, timeout=PATIENCE_S).raise_for_status()
    token = answer.json()["access"]
    headers = {"Authorization": f"Bearer {token}"}
    httpx.delete(f"{api}/sessions", headers=headers, timeout=PATIENCE_S).raise_for_status()
