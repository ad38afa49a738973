"""Playlists as files: what goes out comes in again, and what hostile files do."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from apps.auth.models import User
from apps.track.models import Playlist, PlaylistItem, Track
from apps.track.rules.playlist_files import MAX_BYTES
from tests.factories.auth import client_of, make_user

pytestmark = pytest.mark.django_db

PLAYLISTS = "/api/v1/playlists"
IMPORT = f"{PLAYLISTS}/import"


@pytest.fixture
def owner() -> User:
    return make_user(username="mona")


@pytest.fixture
def client(owner: User) -> APIClient:
    return client_of(owner)


def make_track(owner: User, title: str, **told: Any) -> Track:
    fields = {"visibility": "public", "status": "ready", "duration_ms": 61_400, **told}
    return Track.objects.create(owner=owner, title=title, **fields)


def make_playlist(owner: User, *tracks: Track) -> str:
    playlist = Playlist.objects.create(
        owner=owner, title="Späte Züge", visibility="public", item_count=len(tracks)
    )
    for n, track in enumerate(tracks):
        PlaylistItem.objects.create(playlist=playlist, track=track, place=f"V{n + 1}")
    return str(playlist.id)


def export(client: APIClient, playlist: str, form: str) -> Any:
    return client.get(f"{PLAYLISTS}/{playlist}/export?form={form}")


def send(client: APIClient, content: bytes | str, **told: Any) -> Any:
    raw = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile("list.txt", raw)
    return client.post(IMPORT, {"file": file, **told}, format="multipart")


def titles(client: APIClient, playlist: str) -> list[str]:
    found = client.get(f"{PLAYLISTS}/{playlist}/items").json()["results"]
    return [item["track"]["title"] for item in found]


class TestExport:
    def test_as_m3u8(self, owner: User) -> None:
        track = make_track(owner, "Dawn\n#EXTINF:9,x", artist="Mona")
        nameless = make_track(owner, "Noon", duration_ms=None)
        answer = export(APIClient(), make_playlist(owner, track, nameless), "m3u8")
        assert answer["Content-Type"] == "audio/x-mpegurl; charset=utf-8"
        assert "filename*=utf-8''Sp%C3%A4te%20Z%C3%BCge.m3u8" in answer["Content-Disposition"]
        base = "http://testserver/api/v1/tracks"
        assert answer.content.decode().splitlines() == [
            "#EXTM3U",
            "#PLAYLIST:Späte Züge",
            "#EXTINF:61,Mona - Dawn #EXTINF:9,x",
            f"{base}/{track.id}/stream/master.m3u8",
            "#EXTINF:-1,Noon",
            f"{base}/{nameless.id}/stream/master.m3u8",
        ]

    def test_as_jspf(self, owner: User) -> None:
        track = make_track(owner, "Dawn", artist="Mona", album="Day")
        answer = export(APIClient(), make_playlist(owner, track), "jspf")
        assert answer["Content-Type"] == "application/jspf+json"
        playlist = json.loads(answer.content)["playlist"]
        assert (playlist["title"], playlist["creator"]) == ("Späte Züge", "mona")
        assert playlist["track"] == [
            {
                "location": [f"http://testserver/api/v1/tracks/{track.id}/stream/master.m3u8"],
                "identifier": [f"urn:uuid:{track.id}"],
                "title": "Dawn",
                "creator": "Mona",
                "album": "Day",
                "duration": 61_400,
            }
        ]

    @pytest.mark.parametrize("form", ["m3u8", "jspf"])
    def test_has_what_the_reader_may_see_and_no_right_to_hear(
        self, client: APIClient, owner: User, form: str
    ) -> None:
        hidden = make_track(owner, "Hidden", visibility="private")
        playlist = make_playlist(owner, hidden, make_track(owner, "Open"))
        assert b"Hidden" not in export(APIClient(), playlist, form).content
        own = export(client, playlist, form).content
        assert b"Hidden" in own
        assert b"signature" not in own

    def test_has_the_tracks_of_rules(self, owner: User) -> None:
        make_track(owner, "b")
        make_track(owner, "a")
        rules = {"any": [{"field": "plays", "op": "gte", "value": 0}], "ordering": "title"}
        smart = Playlist.objects.create(owner=owner, title="s", visibility="public", rules=rules)
        document = json.loads(export(APIClient(), str(smart.id), "jspf").content)
        assert [track["title"] for track in document["playlist"]["track"]] == ["a", "b"]

    def test_refuses(self, client: APIClient, owner: User) -> None:
        playlist = make_playlist(owner)
        assert export(client, playlist, "exe").status_code == 400
        assert export(client, str(uuid4()), "m3u8").json()["code"] == "playlist_not_found"


class TestImport:
    @pytest.mark.parametrize("form", ["m3u8", "jspf"])
    def test_takes_what_was_exported(self, client: APIClient, owner: User, form: str) -> None:
        tracks = [make_track(owner, title) for title in ("b", "a", "c")]
        tracks.append(tracks[0])
        exported = export(client, make_playlist(owner, *tracks), form).content
        answer = send(client, exported, visibility="public")
        assert answer.status_code == 201, answer.content
        body = answer.json()
        assert (body["added"], body["not_found"]) == (4, [])
        playlist = body["playlist"]
        assert answer["Location"] == f"{PLAYLISTS}/{playlist['id']}"
        assert (playlist["title"], playlist["visibility"]) == ("Späte Züge", "public")
        assert (playlist["item_count"], playlist["duration_ms"]) == (4, 4 * 61_400)
        assert titles(APIClient(), playlist["id"]) == ["b", "a", "c", "b"]

    def test_takes_the_file_as_the_body(self, client: APIClient, owner: User) -> None:
        make_track(owner, "Dawn", artist="Mona")
        content = b"#EXTM3U\n#EXTINF:1,Mona - Dawn\nC:\\Music\\dawn.mp3\n"
        for kind in ("audio/x-mpegurl", "audio/mpegurl", "application/vnd.apple.mpegurl"):
            answer = client.post(f"{IMPORT}?title=Mine", content, content_type=kind)
            assert (answer.status_code, answer.json()["added"]) == (201, 1)
            assert answer.json()["playlist"]["title"] == "Mine"
        assert client.post(IMPORT, b"<x/>", content_type="text/xml").status_code == 415

    def test_matches_titles_exactly_and_says_what_is_not_here(
        self, client: APIClient, owner: User
    ) -> None:
        make_track(owner, "Dawn", artist="Mona", play_count=1)
        make_track(owner, "dawn", artist="MONA", play_count=5)
        make_track(make_user(), "Secret", artist="Mona", visibility="private")
        make_track(make_user(), "Unlisted", artist="Mona", visibility="unlisted")
        lines = ["Mona - DAWN", "Mona - Dawning", "Else - Dawn", "Mona - Secret", "Mona - Unlisted"]
        content = "#EXTM3U\n" + "".join(f"#EXTINF:1,{line}\n{line}.mp3\n" for line in lines)
        body = send(client, content).json()
        assert body["added"] == 1
        assert titles(client, body["playlist"]["id"]) == ["dawn"]
        assert [each["position"] for each in body["not_found"]] == [2, 3, 4, 5]
        assert body["not_found"][0] == {
            "position": 2, "artist": "Mona", "title": "Dawning",
            "locations": ["Mona - Dawning.mp3"],
        }  # fmt: skip

    def test_does_not_let_in_by_the_id_who_may_not_see(self, client: APIClient) -> None:
        hidden = make_track(make_user(), "Hidden", visibility="private")
        body = send(client, f"https://x.example/api/v1/tracks/{hidden.id}/stream").json()
        assert (body["added"], len(body["not_found"])) == (0, 1)
        assert body["playlist"]["title"] == "Imported playlist"

    @pytest.mark.parametrize(
        "content",
        [
            "#EXTM3U\r\n#EXTINF:1,José - Café\r\nx.mp3\r\n".encode("cp1252"),
            "#EXTM3U\n#EXTINF:1,José - Café\nx.mp3\n".encode("utf-8-sig"),
            "#EXTM3U\n#EXTINF:1,José - Café\nx.mp3\n".encode("utf-16"),
        ],
    )
    def test_knows_old_encodings(self, client: APIClient, owner: User, content: bytes) -> None:
        make_track(owner, "Café", artist="José")
        assert send(client, content).json()["added"] == 1

    @pytest.mark.parametrize(
        ("content", "status", "code"),
        [
            (b"", 400, None),
            (b"#EXTM3U\n", 400, "playlist_file_invalid"),
            (b"\x00\x01\x02", 400, "playlist_file_invalid"),
            (b"\xff\xfe\x00", 400, "playlist_file_invalid"),
            (b"ID3\x04\x00\x81\x8d", 400, "playlist_file_invalid"),
            (b"a" * 5000, 400, "playlist_file_invalid"),
            (b"{", 400, None),
            (b"{}", 400, "playlist_file_invalid"),
            (b'{"playlist": {"track": {}}}', 400, "playlist_file_invalid"),
            (b'{"playlist": {"track": [1]}}', 400, "playlist_file_invalid"),
            (b'{"playlist": {"track": []}}', 400, "playlist_file_invalid"),
            (b'{"playlist": ' + b"[" * 100_000, 400, None),
            (b'{"playlist": {"track": [{"title": "\\u0000"}]}}', 400, None),
            (b"x\n" * 10_001, 413, "playlist_file_too_large"),
            (b"x" * (MAX_BYTES + 1), 413, "playlist_file_too_large"),
        ],
        ids=range(15),
    )
    def test_refuses(
        self, client: APIClient, content: bytes, status: int, code: str | None
    ) -> None:
        answer = send(client, content)
        assert answer.status_code == status, answer.content
        assert answer["Content-Type"] == "application/problem+json"
        assert code in (None, answer.json()["code"])
        assert not Playlist.objects.exists()

    def test_takes_odd_members_for_nothing(self, client: APIClient) -> None:
        tracks = [{"title": 1, "creator": [], "location": {}, "identifier": [1, None]}]
        body = send(client, json.dumps({"playlist": {"title": {}, "track": tracks}})).json()
        assert body["not_found"] == [{"position": 1, "title": "", "artist": "", "locations": []}]

    def test_needs_a_file_and_good_texts(self, client: APIClient) -> None:
        assert client.post(IMPORT, {}, format="multipart").json()["errors"][0]["field"] == "file"
        assert send(client, "x", visibility="x").json()["errors"][0]["field"] == "visibility"
        assert send(APIClient(), "x").status_code == 401

    def test_takes_ten_thousand(self, client: APIClient, owner: User) -> None:
        make_track(owner, "Dawn", artist="Mona")
        lines = "".join(f"#EXTINF:1,Mona - {n}\n{n}\n" for n in range(9_999))
        body = send(client, f"{lines}#EXTINF:1,Mona - Dawn\nx\n").json()
        assert (body["added"], len(body["not_found"])) == (1, 9_999)
