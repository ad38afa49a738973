"""Whoever may not see a thing any more is put out of its room."""

import httpx

from tests.apps.realtime.centrifugo.sockets import opened
from tests.apps.realtime.live import Account, Web
from tests.factories.sounds import wav
from tests.patience import PATIENCE_S

PLAYLISTS, TRACKS = "/api/v1/playlists", "/api/v1/tracks"


def call(web: Web, account: Account, method: str, path: str, **body: object) -> httpx.Response:
    return httpx.request(
        method, f"{web.base_url}{path}", json=body, headers=account.headers, timeout=PATIENCE_S
    )


async def test_a_playlist_that_becomes_private_is_left_by_strangers(web: Web) -> None:
    owner, stranger = web.register(), web.register()
    made = call(web, owner, "POST", PLAYLISTS, title="Late trains", visibility="public").json()
    room, path = f"playlist:{made['id']}", f"{PLAYLISTS}/{made['id']}"
    async with opened(web) as watching, opened(web) as own:
        for socket, account in ((watching, stranger), (own, owner)):
            await socket.ask("connect", token=account.access)
            assert "subscribe" in await socket.ask("subscribe", channel=room)

        assert call(web, owner, "PATCH", path, visibility="private").status_code == 200

        while "unsubscribe" not in (push := (await watching.get())["push"]):
            assert push["pub"]["data"]["type"] == "playlist.updated"
        assert push["channel"] == room
        assert await watching.error("subscribe", channel=room) == 102
        changed = (await own.get())["push"]
        assert changed["pub"]["data"]["data"]["changed"] == ["visibility"]


async def test_a_track_is_left_by_who_may_edit_it_no_more(web: Web) -> None:
    owner, guest = web.register(), web.register()
    made = httpx.post(
        f"{web.base_url}{TRACKS}", files={"file": ("a.wav", wav(0.1))},
        headers=owner.headers, timeout=PATIENCE_S,
    ).json()  # fmt: skip
    room = f"track:{made['id']}"
    path = f"{TRACKS}/{made['id']}/collaborators/{guest.username}"
    assert call(web, owner, "PUT", path).status_code == 204
    async with opened(web) as watching:
        await watching.ask("connect", token=guest.access)
        assert "subscribe" in await watching.ask("subscribe", channel=room)

        assert call(web, owner, "DELETE", path).status_code == 204

        while "unsubscribe" not in (push := (await watching.get())["push"]):
            assert push["pub"]["data"]["type"].startswith("track.")
        assert push["channel"] == room
        assert await watching.error("subscribe", channel=room) == 102


async def test_a_deleted_track_is_left_by_all(web: Web) -> None:
    owner = web.register()
    made = httpx.post(
        f"{web.base_url}{TRACKS}", files={"file": ("a.wav", wav(0.1))},
        headers=owner.headers, timeout=PATIENCE_S,
    ).json()  # fmt: skip
    room = f"track:{made['id']}"
    async with opened(web) as watching:
        await watching.ask("connect", token=owner.access)
        assert "subscribe" in await watching.ask("subscribe", channel=room)

        assert call(web, owner, "DELETE", f"{TRACKS}/{made['id']}").status_code == 204

        while "unsubscribe" not in (push := (await watching.get())["push"]):
            assert push["pub"]["data"]["type"].startswith("track.")
        assert await watching.error("subscribe", channel=room) == 102
