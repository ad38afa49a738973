"""The demo's music, playlists, likes and plays, made as people make them: by the services.

What is there already stays and is not made again, so a run that was cut off goes on by itself.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from uuid import UUID

from apps.analytics.services.counting import plays_of
from apps.analytics.services.intake import take_events
from apps.analytics.services.rollups import refresh
from apps.analytics.types import Sender
from apps.auth.selectors import ids_by_username, list_users
from apps.auth.services import demo
from apps.auth.services.demo import DemoPerson
from apps.auth.services.pictures import set_picture
from apps.auth.types import REGISTRATION_ROLES, PictureKind
from apps.track.selectors import list_own_tracks
from apps.track.selectors.playlists import list_playlists
from apps.track.services.artwork import set_artwork
from apps.track.services.likes import like
from apps.track.services.playlists import add_item, create_playlist
from apps.track.services.tracks import upload_track
from apps.track.types import TrackStatus, TrackTexts, Visibility
from veza.config import config
from veza.kit.errors import UpstreamError
from veza.management.studio.catalogue import ARTISTS, PLAYLISTS, SEED, Artist, Song, songs
from veza.management.studio.files import ogg
from veza.management.studio.pictures import cover
from veza.management.studio.sound import render

PATIENCE_S = 180.0
AT_ONCE = config.worker_processes + 1
"""In the making: one waits, so that no worker does; uploads of people wait for that one at most."""
POLL_S = 0.1
PLAYS = 900
BATCH = 480
_COUNTRIES = ("FR", "DE", "NL", "SE", "PT", "CA", "BR", "JP", "ZZ")
_SOURCES = ("playlist", "search", "profile", "feed", "embed")

Say = Callable[[str, int, int], None]
"""What is being made, how many of it are there, and how many there will be."""


@dataclass(kw_only=True)
class Studio:
    """One run. `tracks` are those that are there, by artist and title."""

    now: datetime
    say: Say
    tracks: dict[tuple[UUID, str], UUID] = field(default_factory=dict)
    busy: set[UUID] = field(default_factory=lambda: {_person(artist).id for artist in ARTISTS})
    """Whose tracks may be in the making."""

    def furnish(self) -> dict[str, int]:
        """Make what is missing; how much there is of everything in the end."""
        self._make_people()
        wanted = list(songs())
        missing = [song for song in wanted if not self._find(song)]
        self._make_tracks(missing, of=len(wanted))
        ready = self._ready_tracks()
        playlists = self._make_playlists(ready)
        likes = self._like(ready)
        plays = self._play(ready)
        return {
            "artists": len(ARTISTS), "tracks": len(ready), "playlists": playlists, "likes": likes,
            "plays": plays,
        }  # fmt: skip

    def _make_people(self) -> None:
        demo.ensure_people([_person(artist) for artist in ARTISTS], now=self.now)
        faces = {user.id: user for user in list_users([_person(each).id for each in ARTISTS])}
        for nth, artist in enumerate(ARTISTS, 1):
            if not faces[_person(artist).id].avatar_prefix:
                picture = BytesIO(cover(artist.number, hue=_hue(artist)))
                set_picture(user_id=_person(artist).id, kind=PictureKind.AVATAR, source=picture)
            self.say("artists", nth, len(ARTISTS))

    def _find(self, song: Song) -> bool:
        owner = _person(song.artist).id
        if not any(known == owner for known, _ in self.tracks):
            for track in list_own_tracks(owner, {}):
                self.tracks[owner, track.title] = track.id
        return (owner, song.title) in self.tracks

    def _make_tracks(self, missing: Sequence[Song], *, of: int) -> None:
        for nth, song in enumerate(missing):
            owner = _person(song.artist).id
            content = _file(song)  # the workers make the one before meanwhile
            self._wait(fewer_than=AT_ONCE)
            track = upload_track(
                user_id=owner, texts=_texts(song), file=content,
                filename=f"{song.title}.ogg", size_bytes=content.getbuffer().nbytes,
            )  # fmt: skip
            self.tracks[owner, song.title] = track.id
            self.busy.add(owner)
            self.say("tracks", of - len(missing) + nth + 1, of)
        self._wait(fewer_than=1)

    def _wait(self, *, fewer_than: int) -> None:
        """Until fewer are being made. Raises UpstreamError when none becomes ready for long."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            making = {owner: _making(owner) for owner in self.busy}
            self.busy = {owner for owner, count in making.items() if count}
            if sum(making.values()) < fewer_than:
                return
            time.sleep(POLL_S)
        raise UpstreamError("No track becomes ready: are a worker and a relay running?")

    def _ready_tracks(self) -> list[UUID]:
        return [
            track.id
            for artist in ARTISTS
            for track in list_own_tracks(_person(artist).id, {}).order_by("created_at")
            if track.status == TrackStatus.READY
        ]

    def _make_playlists(self, ready: Sequence[UUID]) -> int:
        owners = ids_by_username([username for username, *_ in PLAYLISTS])
        tagged = self._by_tag()
        for nth, (username, title, about, tag, length) in enumerate(PLAYLISTS):
            owner = owners[username]
            if title not in {each.title for each in list_playlists(user_id=owner, owner=username)}:
                chance = random.Random(SEED + nth)  # noqa: S311 - the same each time
                fitting = [each for each in ready if not tag or each in tagged.get(tag, ())]
                _make_playlist(
                    owner, (title, about), chance.sample(fitting, min(length, len(fitting))), nth
                )
            self.say("playlists", nth + 1, len(PLAYLISTS))
        return len(PLAYLISTS)

    def _by_tag(self) -> dict[str, set[UUID]]:
        found: dict[str, set[UUID]] = {}
        for song in songs():
            track_id = self.tracks.get((_person(song.artist).id, song.title))
            for tag in song.artist.style.tags:
                if track_id:
                    found.setdefault(tag, set()).add(track_id)
        return found

    def _like(self, ready: Sequence[UUID]) -> int:
        chance = random.Random(SEED)  # noqa: S311 - the same each time
        people = [_person(artist).id for artist in ARTISTS]
        people += [person.id for person in demo.PEOPLE]
        likes = 0
        for nth, track_id in enumerate(ready):
            for user_id in chance.sample(people, min(len(people), int(chance.expovariate(0.25)))):
                like(track_id=track_id, user_id=user_id)
                likes += 1
            self.say("likes", nth + 1, len(ready))
        return likes

    def _play(self, ready: Sequence[UUID]) -> int:
        """Over the last four weeks, more of some than of others. Their ids are always the same, so
        those of an earlier run are duplicates.
        """
        events = list(_plays(ready, now=self.now))
        for start in range(0, len(events), BATCH):
            for country in _COUNTRIES:
                some = [each for place, each in events[start : start + BATCH] if place == country]
                sender = Sender(user_id=None, country=country, is_bot=False)
                take_events(some, sender=sender, now=self.now)
            self.say("plays", min(PLAYS, (start + BATCH) * PLAYS // max(1, len(events))), PLAYS)
        refresh(now=self.now)
        return sum(plays_of(ready).values())


def _plays(ready: Sequence[UUID], *, now: datetime) -> Iterator[tuple[str, dict[str, object]]]:
    chance = random.Random(SEED)  # noqa: S311 - the same each time
    popular = [1 / (1 + chance.randrange(len(ready))) for _ in ready] if ready else []
    for nth in range(PLAYS if ready else 0):
        [track_id] = chance.choices(ready, popular)
        country, source = chance.choice(_COUNTRIES), chance.choice(_SOURCES)
        back = timedelta(days=min(chance.expovariate(0.09), 28), minutes=chance.uniform(5, 1400))
        at, heard_s = now - back, chance.choice((10, 11, 12))
        for step, (kind, second) in enumerate((("play_started", 0), ("play_paused", heard_s))):
            yield country, {
                "id": str(UUID(int=SEED << 64 | nth << 8 | step, version=4)),
                "type": kind, "track_id": str(track_id), "session_id": f"demo-{nth % 240}",
                "at": (at + timedelta(seconds=second)).isoformat(),
                "position_ms": second * 1000, "source": source,
            }  # fmt: skip


def _make_playlist(owner: UUID, told: tuple[str, str], track_ids: Sequence[UUID], nth: int) -> None:
    title, about = told
    playlist = create_playlist(
        user_id=owner,
        told={"title": title, "description": about, "visibility": Visibility.PUBLIC},
    )
    for track_id in track_ids:
        add_item(playlist_id=playlist.id, user_id=owner, track_id=track_id)
    picture = BytesIO(cover(SEED + nth, hue=nth / len(PLAYLISTS)))
    set_artwork(playlist_id=playlist.id, user_id=owner, source=picture)


def _person(artist: Artist) -> DemoPerson:
    return DemoPerson(
        number=artist.number, username=artist.username, display_name=artist.name,
        roles=REGISTRATION_ROLES, bio=f"{artist.bio} A demo account: this artist does not exist.",
    )  # fmt: skip


def _hue(artist: Artist) -> float:
    return artist.number * 0.083 % 1


def _making(owner: UUID) -> int:
    return list_own_tracks(owner, {}).filter(status=TrackStatus.PROCESSING).count()


def _file(song: Song) -> BytesIO:
    tags = {"TITLE": song.title, "ARTIST": song.artist.name, "GENRE": song.artist.style.genre}
    return ogg(render(song), tags=tags, picture=cover(song.seed, hue=_hue(song.artist)))


def _texts(song: Song) -> TrackTexts:
    return TrackTexts(
        title=song.title, artist=song.artist.name, genre=song.artist.style.genre,
        tags=song.artist.style.tags, bpm=float(song.bpm), musical_key=song.key,
        description="Synthesised for the demo of Veza.", license="CC0-1.0",
        visibility=Visibility.PUBLIC,
    )  # fmt: skip
