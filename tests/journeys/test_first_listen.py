"""A stranger's first ten minutes, in the client that `make run` shows, with real browsers.

Pictures of what people saw lie in .cache/journey. `make pictures` puts those of the documentation
where it shows them.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Response, expect

from tests.factories.factors import code_of
from tests.faults.rig.waiting import say
from tests.journeys.cable import cable
from tests.journeys.people import House, Person, house
from tests.journeys.songs import song
from tests.patience import PATIENCE_S
from tests.veza.asgi.wire import CERTIFICATES

pytestmark = pytest.mark.needs_browser

PICTURES = Path(settings.BASE_DIR) / ".cache" / "journey"
DOCUMENTATION = os.environ.get("PICTURES")
IN_DOCUMENTATION = {"front-desk", "front-phone", "playlist", "track", "games-desk"}
PHONE: dict[str, Any] = {"viewport": {"width": 375, "height": 760}, "color_scheme": "dark"}
TITLES = ("Night train", "Slow harbour", "Paper lanterns", "First light", "Rooftops")
CUT_AFTER = 3_000_000
FIRST_PAINT_MS = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("house")) as found:
        yield found


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Recordings that swell and fade, so that their shapes can be told apart."""
    folder = tmp_path_factory.mktemp("songs")
    return {title: song(folder / f"{title}.wav", seed) for seed, title in enumerate(TITLES)}


def test_from_a_stranger_to_a_playlist_of_two(home: House, songs: dict[str, Path]) -> None:
    ada = home.visitor()
    ada.open()
    ada.sees(ada.page.get_by_role("heading", name="Hear what people make"))
    say(f"first paint after {ada.page.evaluate(FIRST_PAINT_MS):.0f} ms")
    look(ada, "nobody")

    with cable(home.up.port) as wire:
        marla = home.visitor(wire.address)
        marla.sign_up("marla")
        wire.cut_after(CUT_AFTER)
        marla.upload(songs["Night train"])
        marla.sees("The connection was lost at")
        wire.mend()
        marla.sees(marla.page.get_by_role("button", name="Play Night train"))
        look(marla, "upload")

    marla = move(marla, home)
    hear(marla)
    like(marla, ada)
    share_a_playlist(home, marla, ada, songs)
    find_in_the_admin(home)
    assert [person.faults for person in home.people] == [[] for _ in home.people]


def test_a_second_factor_and_a_session_that_is_ended(home: House) -> None:
    rosa, elsewhere = home.visitor(), home.visitor(**PHONE)
    rosa.sign_up("rosa")
    rosa.page.get_by_role("link", name="rosa").click()
    rosa.press("Set it up")
    secret = rosa.page.get_by_test_id("secret").inner_text()
    look(rosa, "second-factor")
    rosa.page.get_by_label("The code that it shows").fill(code_of(secret, at=timezone.now()))
    rosa.press("Turn it on")
    rosa.sees("Keep these recovery codes.")
    expect(rosa.page.locator(".recovery li")).to_have_count(10)
    rosa.press("I have them")

    elsewhere.sign_in("rosa")
    code = code_of(secret, at=timezone.now() + timedelta(seconds=30))  # the last one is used up
    elsewhere.page.get_by_label("Code of your app").fill(code)
    elsewhere.press("Sign in")
    elsewhere.sees(elsewhere.page.get_by_role("heading", name="My tracks"))

    rosa.press("Sign out everywhere else")
    elsewhere.sees("You were signed out: this session was ended")
    look(elsewhere, "signed-out-elsewhere-phone")
    rosa.was_told("Signed out everywhere else.")
    expect(rosa.page.get_by_text("This one")).to_have_count(1)
    assert (rosa.faults, elsewhere.faults) == ([], [])


def test_what_goes_wrong_is_said_and_the_visit_goes_on(
    home: House, songs: dict[str, Path], tmp_path: Path
) -> None:
    headers = home.register("lena")
    tracks = [send(home, headers, songs[title]) for title in ("Paper lanterns", "Rooftops")]
    for track_id in tracks:
        wait_until_ready(home, track_id, headers)
    lena = home.visitor()
    lena.sign_in("lena")
    words = tmp_path / "words.mp3"
    words.write_text("These are only words. " * 1000)
    lena.go("Upload")
    lena.upload(words)
    lena.sees("The file is no audio of a format that is taken.")

    guest = home.visitor(**PHONE)
    guest.open("/people/lena")
    guest.press("Play Rooftops")
    guest.hears()
    home.up.restart("web")
    guest.hears()
    guest.was_told("Connected again.")
    look(guest, "after-a-restart-phone")

    home_of_track = f"{home.address}/api/v1/tracks/{tracks[1]}"
    httpx.delete(home_of_track, headers=headers, timeout=PATIENCE_S).raise_for_status()
    guest.was_told("“Rooftops” was deleted by its owner. Going on with “Paper lanterns”.")
    guest.hears()

    tab = Person(lena.page.context.new_page(), home.address)
    tab.open("/settings")
    tab.press("Sign out")
    lena.was_told("You signed out in another tab.")


def test_every_view_is_for_everybody(home: House, songs: dict[str, Path]) -> None:
    headers = home.register("iris")
    track_id = send(home, headers, songs["First light"])
    wait_until_ready(home, track_id, headers)
    home.manage("rounds", "simulate", "--rate", "1000", "--count", "150", "--prices")
    views = {
        "front": "/", "library": "/library", "upload": "/upload", "playlists": "/playlists",
        "track": f"/tracks/{track_id}", "activity": "/activity", "games": "/games",
        "settings": "/settings", "search": "/search?q=light", "person": "/people/iris",
    }  # fmt: skip
    obstacles = {}
    desk: dict[str, Any] = {}
    for name, context in {"desk": desk, "phone": PHONE}.items():
        iris = home.visitor(**context)
        iris.sign_in("iris")
        iris.sees(iris.page.get_by_role("heading", name="My tracks"))
        for view, path in views.items():
            iris.open(path)
            iris.sees(iris.page.get_by_role("heading", level=1))
            look(iris, f"{view}-{name}")
            obstacles[f"{view} {name}"] = iris.obstacles()
            wide = iris.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert (view, wide <= 0) == (view, True)
        assert iris.faults == []
    assert {view: found for view, found in obstacles.items() if found} == {}


def hear(marla: Person) -> None:
    """It plays, goes on over other views, and in another quality; the server is told of it."""
    marla.follow("Night train")
    with marla.page.expect_response(_tells_of_listening) as told:
        marla.press("Play Night train")
        marla.hears()
    assert told.value.json() == {"accepted": 1, "duplicates": 0, "rejected": []}
    expect(marla.page.get_by_test_id("waveform").locator("canvas").first).to_be_visible()
    quality = marla.page.get_by_label("Quality").first
    quality.select_option(index=1)
    marla.hears()
    look(marla, "track")
    marla.go("Playlists")
    marla.hears()


def _tells_of_listening(answer: Response) -> bool:
    return answer.request.method == "POST" and answer.url.endswith("/api/v1/events")


def like(marla: Person, ada: Person) -> None:
    """Whoever looks at the track sees it at once."""
    ada.page.reload()
    ada.follow("Night train")
    ada.sees(ada.page.get_by_role("button", name="Like Night train, 0 so far").first)
    marla.press("Like Night train")
    ada.sees(ada.page.get_by_role("button", name="Like Night train, 1 so far").first)


def share_a_playlist(home: House, marla: Person, ada: Person, songs: dict[str, Path]) -> None:
    """Two people change one playlist, and each sees what the other does without reloading."""
    ada.sign_up("ada")
    ada.upload(songs["Slow harbour"])
    ada.sees(ada.page.get_by_role("button", name="Play Slow harbour"))

    marla.press("New playlist")
    marla.page.get_by_label("Title").fill("Late trains")
    marla.press("Create")
    marla.page.get_by_label("User name of somebody to work with").fill("ada")
    marla.press("Invite")
    marla.was_told("ada may add and move tracks now.")
    ada.go("Playlists")
    ada.follow("Late trains")
    marla.sees("Here too: ada")
    playlist = marla.page.url.removeprefix(marla.base)

    put_in(marla, "Night train")
    marla.open(playlist)
    ada.sees(rows(ada).filter(has_text="Night train"))
    put_in(ada, "Slow harbour")
    ada.open(playlist)
    marla.sees(rows(marla).filter(has_text="Slow harbour"))
    marla.sees("Here too: ada")

    milliseconds = seen_after(lambda: ada.press("Move Slow harbour up"), marla, "Slow harbour")
    say(f"a move was seen by the other person after {milliseconds:.0f} ms")
    look(marla, "playlist")


def put_in(person: Person, title: str) -> None:
    person.page.get_by_role("searchbox").fill(title)
    person.page.keyboard.press("Enter")
    person.press(f"Add {title} to a playlist")
    person.press("Late trains")
    person.was_told(f"“{title}” is in “Late trains” now.")


def seen_after(change, watcher: Person, first: str) -> float:
    """Milliseconds from a press in one browser until the other shows `first` at the top."""
    watcher.page.evaluate(
        """first => { window.seen = new Promise(done => {
            const look = () => document.querySelector('ol .title')?.textContent === first
                ? done(Date.now()) : requestAnimationFrame(look)
            look()
        }) }""",
        first,
    )
    began = time.time() * 1000
    change()
    seen: float = watcher.page.evaluate("window.seen")
    return seen - began


def rows(person: Person):
    return person.page.get_by_role("main").locator("ol > li")


def find_in_the_admin(home: House) -> None:
    name, password = home.admin()
    boss = home.visitor()
    boss.open("/admin/")
    boss.page.fill("[name=username]", name)
    boss.page.fill("[name=password]", password)
    boss.press("Log in")
    boss.open("/admin/track/track/?q=Night+train")
    boss.sees("Night train")
    look(boss, "admin")


def move(person: Person, home: House) -> Person:
    """The same tab by the straight way: signed in again, since another address is another site."""
    person.base = home.address
    person.sign_in("marla")
    person.sees(person.page.get_by_role("heading", name="My tracks"))
    return person


def send(home: House, headers: dict[str, str], song: Path) -> str:
    """A public track of this recording, sent at once; its id."""
    with song.open("rb") as file:
        answer = httpx.post(
            f"{home.address}/api/v1/tracks", headers=headers, timeout=PATIENCE_S,
            files={"file": (song.name, file)}, data={"visibility": "public"},
        )  # fmt: skip
    return str(answer.raise_for_status().json()["id"])


def wait_until_ready(home: House, track_id: str, headers: dict[str, str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    where = f"{home.address}/api/v1/tracks/{track_id}/status"
    with httpx.Client(headers=headers, timeout=PATIENCE_S, verify=CERTIFICATES) as client:
        while client.get(where).json()["status"] != "ready":
            assert time.monotonic() < deadline
            time.sleep(0.2)  # between two questions: callers are limited


def look(person: Person, name: str) -> None:
    """A picture of what this person sees."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with suppress(Exception):
        person.page.wait_for_load_state("networkidle", timeout=2000)
    picture = PICTURES / f"{name}.png"
    person.page.screenshot(path=picture, animations="disabled")
    if DOCUMENTATION and name in IN_DOCUMENTATION:
        Path(DOCUMENTATION).mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, DOCUMENTATION)
