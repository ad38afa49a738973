"""Music of the demo: the same each time, sound and not noise, and no more than is told."""

from io import BytesIO
from uuid import UUID

import av
import numpy as np
import pytest
from PIL import Image

from apps.auth.services import demo
from apps.track.models import Playlist, Track, TrackLike
from apps.track.types import TrackTexts
from tests.apps.analytics.players import hour_ago
from veza.management.studio import furnishing
from veza.management.studio.catalogue import ARTISTS, PLAYLISTS, songs
from veza.management.studio.files import ogg
from veza.management.studio.pictures import cover
from veza.management.studio.sound import PEAK, RATE, render


def test_there_are_twelve_artists_and_forty_tracks_of_many_kinds() -> None:
    found = list(songs())
    assert (len(ARTISTS), len(found), len({song.title for song in found})) == (12, 40, 40)
    assert len({song.artist.style.genre for song in found}) == 10
    assert len({song.key for song in found}) > 10
    assert max(song.bpm for song in found) - min(song.bpm for song in found) > 80


def test_a_song_is_the_same_each_time_and_can_be_heard() -> None:
    song = next(each for each in songs() if each.artist.style.drums == "four")
    sound = render(song)
    assert np.array_equal(sound, render(song))
    assert 10 * RATE < sound.shape[1] < 22 * RATE
    assert 0.05 < float(np.sqrt(np.mean(sound**2))) < PEAK
    assert float(np.abs(sound).max()) <= PEAK
    with av.open(ogg(sound[:, : 5 * RATE], tags={"TITLE": "x"}, picture=cover(1, hue=0.3))) as file:
        assert file.streams.audio[0].codec_context.name in ("opus", "libopus")
        assert file.streams.audio[0].metadata["TITLE"] == "x"


def test_covers_are_the_same_each_time_and_differ() -> None:
    assert cover(1, hue=0.1) == cover(1, hue=0.1) != cover(2, hue=0.1)
    assert Image.open(BytesIO(cover(1, hue=0.1))).size == (480, 480)


@pytest.mark.django_db
def test_what_is_there_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_once(*, user_id: UUID, texts: TrackTexts, **_: object) -> Track:
        fields = {"status": "ready", "visibility": "public", "duration_ms": 15_000}
        return Track.objects.create(owner_id=user_id, title=texts.title, **fields)

    monkeypatch.setattr(furnishing, "upload_track", at_once)
    monkeypatch.setattr(furnishing, "_file", lambda song: BytesIO(b"sound"))
    monkeypatch.setattr(furnishing, "ARTISTS", ARTISTS[:3])
    few = [song for song in songs() if song.artist in ARTISTS[:3]]
    monkeypatch.setattr(furnishing, "songs", lambda: iter(few))
    lists = [each for each in PLAYLISTS if each[0] in ("lina", "neon-heron")]
    monkeypatch.setattr(furnishing, "PLAYLISTS", lists)
    monkeypatch.setattr(furnishing, "PLAYS", 60)
    demo.ensure_accounts(now=hour_ago())
    said: list[str] = []

    def furnish() -> dict[str, int]:
        studio = furnishing.Studio(now=hour_ago(), say=lambda what, done, of: said.append(what))
        return studio.furnish()

    first = furnish()
    assert (first["artists"], first["tracks"], first["playlists"]) == (3, len(few), 2)
    assert set(said) == {"artists", "tracks", "playlists", "likes", "plays"}
    assert TrackLike.objects.count() == first["likes"] > 0
    assert sum(Track.objects.values_list("play_count", flat=True)) == first["plays"] > 30
    gone = Track.objects.get(title=few[0].title)
    gone.delete()
    again = furnish()
    assert (Track.objects.count(), Playlist.objects.count()) == (len(few), 2)
    assert again["plays"] <= 60
