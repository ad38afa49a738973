"""Lists that are long, playlists of several people, prices that move."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.faults.rig.waiting import say
from tests.journeys.people import House, Person, house

pytestmark = pytest.mark.needs_browser

PHONE: dict[str, Any] = {"viewport": {"width": 375, "height": 760}, "color_scheme": "dark"}
MAKE = """
import json
from apps.auth.selectors import ids_by_username
from apps.track.models import Track
from apps.track.services.playlists import add_item, create_playlist
[owner] = ids_by_username(["{name}"]).values()
tracks = Track.objects.bulk_create(
    Track(owner_id=owner, title=f"Take {{n:03}}", status="ready", visibility="public",
          duration_ms=60_000)
    for n in range({count})
)
told = {{"title": "All takes", "visibility": "private"}}
playlist = create_playlist(user_id=owner, told=told)
for track in tracks:
    add_item(playlist_id=playlist.id, user_id=owner, track_id=track.id)
for n in range({count}):
    create_playlist(user_id=owner, told={{"title": f"Box {{n:03}}", "visibility": "private"}})
print(json.dumps(str(playlist.id)))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("house")) as found:
        yield found


def fill(home: House, name: str, *, count: int) -> str:
    """Tracks, a playlist of them, and as many empty playlists; the address of the full one."""
    home.register(name)
    made = home.manage("shell", "--no-imports", "-c", MAKE.format(name=name, count=count))
    return f"/playlists/{json.loads(made)}"


def rows(person: Person) -> Locator:
    return person.page.get_by_role("main").locator(".tracks > li, .cards > li")


def test_all_of_a_long_list_can_be_reached_by_keys(home: House) -> None:
    full = fill(home, "gerd", count=230)
    gerd = home.visitor()
    gerd.sign_in("gerd")
    gerd.sees("Take 229")
    for path, name in {"/library": "tracks", full: "tracks", "/playlists": "playlists"}.items():
        gerd.open(path)
        more = gerd.page.get_by_role("button", name=f"Show more {name}")
        for shown in (100, 200):
            expect(rows(gerd)).to_have_count(shown)
            more.focus()
            gerd.page.keyboard.press("Enter")
            expect(rows(gerd).nth(shown).get_by_role("link")).to_be_focused()
        expect(more).to_have_count(0)
        assert rows(gerd).count() >= 230
        assert gerd.obstacles() == []
    gerd.open(full)
    gerd.sees("230 tracks")

    ada = home.visitor(**PHONE)
    ada.open()
    newest = ada.page.locator(".cards > li")
    expect(newest).to_have_count(12)
    ada.press("Show more new tracks")
    expect(newest).to_have_count(24)
    ada.press("Show more popular tracks")
    expect(ada.page.locator(".tracks > li")).to_have_count(40)
    assert (gerd.faults, ada.faults) == ([], [])


def test_moves_come_to_the_other_person_in_their_order(home: House) -> None:
    path = fill(home, "hilde", count=5)
    home.register("iwan")
    hilde, iwan = home.visitor(), home.visitor(**PHONE)
    hilde.sign_in("hilde")
    hilde.sees("Take 004")
    hilde.open(path)
    hilde.page.get_by_label("User name of somebody to work with").fill("iwan")
    hilde.press("Invite")
    people = hilde.page.get_by_role("list", name="May change it")
    expect(people.get_by_role("link", name="iwan")).to_be_visible()
    iwan.sign_in("iwan")
    iwan.sees(iwan.page.get_by_role("heading", name="My tracks"))
    iwan.open(path)
    hilde.sees("Here too: iwan")
    assert iwan.obstacles() == []

    took = [seen_after(hilde, iwan, "Take 004") for _ in range(4)]
    say("moves were seen after " + ", ".join(f"{each:.0f}" for each in took) + " ms")
    for _ in range(3):
        hilde.press("Move Take 000 down")
    iwan.press("Take Take 002 out")
    for person in (hilde, iwan):
        titles = person.page.locator("ol .title")
        expect(titles).to_have_text(["Take 004", "Take 001", "Take 003", "Take 000"])
        person.page.reload()
        expect(titles).to_have_text(["Take 004", "Take 001", "Take 003", "Take 000"])

    iwan.press("Leave this playlist")
    iwan.sees(iwan.page.get_by_role("heading", name="Playlists"))
    expect(people).to_have_count(0)
    assert (hilde.faults, iwan.faults) == ([], [])


def seen_after(mover: Person, watcher: Person, title: str) -> float:
    """Milliseconds from a press until the other one sees this track one place higher."""
    watcher.page.evaluate(
        """title => {
            const place = () => [...document.querySelectorAll('ol .title')]
                .findIndex(each => each.textContent === title)
            const before = place()
            window.seen = new Promise(done => {
                const look = () => place() === before - 1
                    ? done(Date.now()) : requestAnimationFrame(look)
                look()
            })
        }""",
        title,
    )
    began: float = mover.page.evaluate(
        """title => {
            document.querySelector(`[aria-label="Move ${title} up"]`).click()
            return Date.now()
        }""",
        title,
    )
    seen: float = watcher.page.evaluate("window.seen")
    return seen - began


def test_prices_move_beside_the_games(home: House) -> None:
    play = ("rounds", "simulate", "--prices", "--json", "--rate", "40", "--count")
    assert json.loads(home.manage(*play, "20"))["rounds"] == 20
    jan = home.visitor(**PHONE)
    jan.open("/games")
    card = jan.page.get_by_role("listitem").filter(has_text="BTC_USDT")
    price = card.locator(".outcome")
    expect(price).to_be_visible()
    before = price.inner_text()
    home.manage(*play, "20")
    expect(price).not_to_have_text(before)
    expect(card.locator(".change")).to_have_text(re.compile(r"[▲▼] \d+\.\d\d %"))
    assert jan.obstacles() == []
    assert jan.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert jan.faults == []
