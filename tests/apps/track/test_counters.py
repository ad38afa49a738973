"""Counters: exact whoever counts at once, and mended when somebody wrote them by hand."""

from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection

from apps.track.models import Playlist, PlaylistItem, Track, TrackLike
from apps.track.services import counters, likes
from tests.factories.auth import make_user


def make_track() -> Track:
    return Track.objects.create(
        owner=make_user(), title="Dawn", status="ready", visibility="public"
    )


@pytest.mark.django_db(transaction=True)
def test_likes_of_many_at_once_are_counted_once_each() -> None:
    track = make_track()
    people = [make_user().id for _ in range(6)]

    def work(user_id: UUID) -> None:
        try:
            for _ in range(3):
                likes.like(track_id=track.id, user_id=user_id)
                likes.like(track_id=track.id, user_id=user_id)
                likes.unlike(track_id=track.id, user_id=user_id)
            likes.like(track_id=track.id, user_id=user_id)
        finally:
            connection.close()

    def mend(_: int) -> None:
        try:
            counters.recount()
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        twice = [*pool.map(work, people + people), *pool.map(mend, range(4))]
    assert len(twice) == 16
    track.refresh_from_db()
    assert track.like_count == TrackLike.objects.count() == 6


@pytest.mark.django_db
def test_wrong_numbers_are_mended_and_right_ones_left() -> None:
    wrong, right = make_track(), make_track()
    TrackLike.objects.create(track=right, user=right.owner)
    Track.objects.filter(pk=right.pk).update(like_count=1)
    Track.objects.filter(pk=wrong.pk).update(like_count=7)
    playlist = Playlist.objects.create(owner=wrong.owner, title="x", item_count=9)
    PlaylistItem.objects.create(playlist=playlist, track=right, place="V")
    out = StringIO()
    call_command("recount", stdout=out)
    assert out.getvalue() == "like_count: 1 mended\nitem_count: 1 mended\nplay_count: 0 mended\n"
    assert Track.objects.get(pk=wrong.pk).like_count == 0
    assert Track.objects.get(pk=right.pk).like_count == 1
    assert Playlist.objects.get().item_count == 1
    assert counters.recount() == {"like_count": 0, "item_count": 0, "play_count": 0}
