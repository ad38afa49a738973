"""Files that become no track: each is refused with a sentence that an artist understands; and the
formats that are taken, through everything but the network.
"""

import io
import struct
from pathlib import Path
from typing import Any

import av
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from apps.track.models import Track, TrackVersion
from tests.apps.track.test_tracks_api import TRACKS, make, path_of, send
from tests.factories import sound
from tests.factories.auth import client_of, make_user
from tests.factories.sound import FORMS, Form
from tests.factories.sounds import wav
from tests.veza.integrations.media.hostile import id3_bomb, webvtt

pytestmark = pytest.mark.django_db

NOT_AUDIO = "The file is no audio of a format that is taken."
CHANNELS = "The file has more than eight channels, or none."
CUT = "The file ends before its audio does."
TOO_LONG = "The audio lasts longer than a track may."
SECONDS_OF_A_DAY = 24 * 3600


@pytest.fixture
def client() -> APIClient:
    return client_of(make_user())


def ended(client: APIClient, content: bytes, name: str = "song.wav") -> dict[str, Any]:
    """What the artist is told when the worker has looked at it."""
    track_id = send(client, content, name).json()["id"]
    make(track_id)
    said: dict[str, Any] = client.get(f"{TRACKS}/{track_id}/status").json()
    return said


def day_of_silence(folder: Path) -> bytes:
    """24 hours in a file of some megabytes: the same silent frame of AAC again and again."""
    silent = sound.write(folder / "a.aac", sound.tone(level=0, seconds=3), sound.ADTS).read_bytes()
    with av.open(io.BytesIO(silent), mode="r", format="aac") as file:
        packets = [bytes(packet) for packet in file.demux(audio=0) if packet.size]
    frame = packets[len(packets) // 2]
    return frame * (SECONDS_OF_A_DAY * sound.RATE // 1024)


def without_channels() -> bytes:
    content = bytearray(wav())
    content[22:24] = struct.pack("<H", 0)
    return bytes(content)


def lying(size: int) -> bytes:
    """A header that tells of more sound than comes."""
    content = bytearray(wav())
    place = content.index(b"data") + 4
    content[place : place + 4] = struct.pack("<I", size)
    return bytes(content)


class TestRefusals:
    @pytest.mark.parametrize(
        ("content", "name", "code", "sentence"),
        [
            (b"\0", "song.wav", "not_audio", NOT_AUDIO),
            (b"R", "song.wav", "not_audio", NOT_AUDIO),
            (b"Dear diary, " * 500, "song.mp3", "not_audio", NOT_AUDIO),
            (b"\x89PNG\r\n\x1a\n" + b"x" * 5000, "song.flac", "not_audio", NOT_AUDIO),
            (webvtt(20_000), "song.m4a", "not_audio", NOT_AUDIO),
            (wav()[: len(wav()) // 2], "song.wav", "corrupt", CUT),
            (wav()[:44], "song.wav", "corrupt", CUT),
            (lying(500_000_000), "song.wav", "corrupt", CUT),
            (without_channels(), "song.wav", "corrupt", CHANNELS),
        ],
        ids=[
            "one byte", "one letter", "text with another ending", "a picture", "subtitles",
            "half a file", "a header alone", "a lying length", "no channels",
        ],
    )  # fmt: skip
    def test_tell_what_is_wrong(
        self, client: APIClient, content: bytes, name: str, code: str, sentence: str
    ) -> None:
        said = ended(client, content, name)

        assert said["status"] == "rejected"
        assert said["error"] == {"code": code, "detail": sentence, "retryable": False}

    def test_an_empty_file_is_told_to_be_empty(self, client: APIClient) -> None:
        file = SimpleUploadedFile("song.wav", b"")
        track_id = client.post(TRACKS, {"file": file}, format="multipart").json()["id"]
        make(track_id)
        said = client.get(f"{TRACKS}/{track_id}/status").json()

        assert said["status"] == "rejected"
        assert said["error"]["detail"] == "The file is empty."

    def test_a_day_of_silence_is_too_long(self, client: APIClient, tmp_path: Path) -> None:
        said = ended(client, day_of_silence(tmp_path), "day.aac")

        assert settings.MEDIA_MAX_DURATION_S < SECONDS_OF_A_DAY
        assert said["error"] == {"code": "too_long", "detail": TOO_LONG, "retryable": False}

    def test_a_bomb_of_tags_is_bounded(self, client: APIClient, tmp_path: Path) -> None:
        mp3 = sound.write_tone(tmp_path / "a", sound.MP3).read_bytes()
        said = ended(client, id3_bomb(200_000) + mp3, "bomb.mp3")

        assert said["status"] in ("ready", "rejected")
        track = Track.objects.get()
        assert len(track.title) <= 200

    @pytest.mark.parametrize(
        "name", ["../../etc/passwd\n.wav", "a/b\\c\r\nX-Evil: 1.wav", "\u202egnp.wav", "." * 200]
    )
    def test_names_lead_nowhere(self, client: APIClient, name: str) -> None:
        said = ended(client, wav(), name)

        assert said["status"] == "ready"
        track, version = Track.objects.get(), TrackVersion.objects.get()
        assert track.title
        assert not set(track.title) & set("/\\\r\n\0")
        assert version.source_key == f"tracks/{version.source_key.split('/')[1]}/source"
        assert ".." not in version.source_key


class TestFormats:
    @pytest.mark.parametrize("form", FORMS, ids=[form.id for form in FORMS])
    def test_become_tracks_whatever_their_names(
        self, client: APIClient, form: Form, tmp_path: Path
    ) -> None:
        content = sound.write_tone(tmp_path / "a", form, seconds=1.0).read_bytes()
        track_id = send(client, content, "song.txt", visibility="public").json()["id"]
        make(track_id)
        track = client.get(f"{TRACKS}/{track_id}").json()

        assert track["status"] == "ready"
        assert abs(track["duration_ms"] - 1000) < 120
        assert client.get(path_of(track["stream_url"])).status_code == 200
