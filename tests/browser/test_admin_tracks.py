"""Operators hear a track and have one made again, in a browser under the admin's policy."""

from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, expect

from apps.auth.types import RoleName
from apps.track.models import Track, TrackVersion
from apps.track.services import processing, stages
from tests.apps.track.test_tracks_api import send
from tests.browser.test_admin_staff import Desk
from tests.browser.test_pages import DESKTOP, PHONE, browser, visit
from tests.factories import sound
from tests.factories.auth import client_of, make_user
from tests.factories.sounds import EICAR, wav

__all__ = ["browser"]

pytestmark = [pytest.mark.needs_browser, pytest.mark.django_db(transaction=True)]

SECONDS = 20
HEARD = """async () => {
    const audio = document.querySelector('audio[data-playlist]')
    const said = () => `${audio.parentElement.querySelector('[data-said]').textContent}`
        + ` state ${audio.readyState} at ${audio.currentTime} error ${audio.error?.message}`
    const late = new Promise((_, fail) => setTimeout(() => fail(new Error(said())), 20000))
    const moved = second => new Promise(done => {
        const look = () => audio.currentTime > second && done(audio.currentTime)
        audio.addEventListener('timeupdate', look)
        look()
    })
    const listen = async () => {
        audio.muted = true
        await audio.play()
        const first = await moved(0.3)
        audio.currentTime = 15
        const second = await moved(15.2)
        audio.pause()
        return [first, second, audio.duration]
    }
    return Promise.race([listen(), late])
}"""


@pytest.fixture
def tracks(tmp_path: Path) -> dict[str, Track]:
    """One that can be heard, one that was given up, one that waits, one in quarantine."""
    make_user(username="boss", roles=frozenset({RoleName.ADMIN}))
    client = client_of(make_user(username="mona"))
    song = sound.write_tone(tmp_path / "song.wav", seconds=SECONDS).read_bytes()
    found = {}
    for title, content in {
        "Night train": song, "Given up": wav(), "Waiting": wav(), "Infected": EICAR,
    }.items():  # fmt: skip
        track_id = send(client, content, title=title).json()["id"]
        found[title] = Track.objects.get(pk=track_id)
        version = TrackVersion.objects.get(track_id=track_id)
        if title == "Given up":
            stages.fail(version_id=version.pk, code="storage_full", detail="No room.")
        elif title != "Waiting":
            processing.process(version_id=version.pk, now=timezone.now())
    return found


@pytest.fixture(params=[("light", DESKTOP), ("dark", PHONE)], ids=["desk", "phone"])
def desk(
    request: pytest.FixtureRequest, live_server, tracks, browser: Browser, tmp_path: Path
) -> Desk:
    scheme, size = request.param
    return Desk(visit(browser, live_server.url, scheme=scheme, size=size), tmp_path, scheme)


def test_an_operator_hears_a_track_and_tries_another_again(tracks, desk: Desk) -> None:
    desk.sign_in()
    desk.tab.open(reverse("admin:track_track_changelist"))
    desk.look("tracks")
    for name, track in tracks.items():
        desk.tab.open(reverse("admin:track_track_change", args=[track.pk]))
        desk.look(name.replace(" ", "-").lower())

    desk.tab.open(reverse("admin:track_track_change", args=[tracks["Night train"].pk]))
    first, second, duration = desk.page.evaluate(HEARD)
    assert 0.3 < first < 5
    assert 15.2 < second < SECONDS
    assert abs(duration - SECONDS) < 0.1
    expect(desk.page.locator("svg[data-waveform]")).to_be_visible()

    desk.tab.open(reverse("admin:track_track_change", args=[tracks["Given up"].pk]))
    desk.begin("Try again")
    expect(desk.page.get_by_text("What will happen")).to_be_visible()
    desk.look("asked")
    desk.page.get_by_role("button", name="Try again").click()
    expect(desk.page.get_by_text("It is being made again.")).to_be_visible()
    desk.tab.open(reverse("admin:track_upload_changelist"))
    desk.look("uploads")
    assert desk.tab.faults == []
