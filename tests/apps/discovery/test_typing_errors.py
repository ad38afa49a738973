"""Tracks are found by words with a typing error, where the database can compare words."""

from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from apps.auth.models import User
from apps.track.models import Track, TrackWord
from apps.track.services.words import tidy_words
from apps.track.tasks import purge_tracks
from tests.apps.discovery.test_search_api import found, make_track
from tests.factories.auth import client_of, make_user
from veza.kit.search import knows_alike

TRACKS = "/api/v1/tracks"


@pytest.fixture
def owner(db: None) -> User:
    return make_user()


def alike(*titles: str) -> list[str]:
    """What is found of these: nothing where PostgreSQL comes without pg_trgm."""
    return [*titles] * knows_alike()


def known(word: str) -> int:
    return TrackWord.objects.filter(word=word).count()


class TestFinds:
    @pytest.mark.parametrize(
        "typed",
        ["midnihgt", "mdinight", "midnigth", "midnght", "mdnight", "middnight", "midnightt",
         "midnigjt", "midnite", "MIDNIHGT", "mïdnihgt", "midnih", "night midnihgt"],
    )  # fmt: skip
    @pytest.mark.parametrize("place", ["title", "artist", "album", "genre", "tags"])
    def test_a_word_anywhere(self, owner: User, place: str, typed: str) -> None:
        told: dict[str, Any] = {"title": "Night", place: "Night midnight"}
        if place == "tags":
            told["tags"] = ["midnight"]
        make_track(owner, **told)
        make_track(owner, "Daylight", artist="Nightly", tags=["midday"])
        assert found(APIClient(), typed) == alike(told["title"])

    @pytest.mark.parametrize(
        ("typed", "title"),
        [("nihgt", "Night"), ("baalna", "Balana"), ("rian", "Rain"), ("niht", "Night"),
         ("cafee", "Café"), ("unbelieavble", "Unbelievable"),
         ("mondenschein", "Mondschein"), ("sumer rian", "Summer rain")],
    )  # fmt: skip
    def test_short_words_and_long_ones(self, owner: User, typed: str, title: str) -> None:
        make_track(owner, title)
        make_track(owner, "Unlike")
        assert found(APIClient(), typed) == alike(title)

    def test_the_nearest_first_and_then_where_it_stands(self, owner: User) -> None:
        make_track(owner, "Midnight")
        make_track(owner, "Evening", tags=["midnight"])
        make_track(owner, "Midknight")
        make_track(owner, "Rain at midnight", tags=["midnight"])
        best = found(APIClient(), "midnihgt")
        assert sorted(best[:2]) == alike("Midnight", "Rain at midnight")
        assert best[2:] == alike("Evening", "Midknight")

    def test_all_of_the_words(self, owner: User) -> None:
        make_track(owner, "Midnight", artist="Rain")
        make_track(owner, "Midnight", artist="Snow")
        make_track(owner, "Rain")
        assert found(APIClient(), "midnihgt rain") == alike("Midnight")
        assert found(APIClient(), "midnihgt storm") == []

    def test_nothing_that_is_only_a_little_like_it(self, owner: User) -> None:
        make_track(owner, "Midnight")
        for typed in ("midday", "mid9999t", "thgindim", "night", "x" * 200, "mid" * 60):
            assert found(APIClient(), typed) == []

    def test_on_pages_each_once(self, owner: User) -> None:
        titles = [f"Midnight {n}" for n in range(5)] + ["Midknight"]
        for title in titles:
            make_track(owner, title)
        got: list[str] = []
        link = f"{TRACKS}?search=midnihgt&limit=2"
        while link:
            page = APIClient().get(link).json()
            got += [each["title"] for each in page["results"]]
            link = page["next"]
        assert sorted(got) == sorted(alike(*titles))
        assert got[-1:] == alike("Midknight")


class TestWords:
    def test_of_hidden_tracks_lead_to_them_alone(self, owner: User) -> None:
        make_track(owner, "Zanzibar", visibility="private")
        make_track(owner, "Midnight")
        assert found(APIClient(), "zanzbiar") == []
        assert found(client_of(make_user()), "zanzbiar") == []
        assert found(client_of(owner), "zanzbiar") == alike("Zanzibar")

    def test_of_hidden_tracks_take_no_place_from_others(self, owner: User) -> None:
        make_track(owner, "Midnight")
        for letter in "abcdefghijklmnopq":  # more than are looked for, and all as near
            make_track(owner, f"Midnigh{letter}", visibility="private")
        assert found(APIClient(), "midnighx") == alike("Midnight")
        assert found(client_of(make_user()), "midnighx") == alike("Midnight")

    def test_of_a_shared_track_are_for_who_works_on_it(self, owner: User) -> None:
        bo = make_user(username="bo-bo")
        track = make_track(owner, "Zanzibar", visibility="private")
        make_track(owner, "Marrakesh", visibility="private")
        client_of(owner).put(f"{TRACKS}/{track.pk}/collaborators/bo-bo")
        assert found(client_of(bo), "zanzbiar") == alike("Zanzibar")
        assert found(client_of(bo), "marakesh") == []

    def test_come_and_go_with_who_may_see_the_track(self, owner: User) -> None:
        track = make_track(owner, "Zanzibar", visibility="private")
        path = f"{TRACKS}/{track.pk}"
        for visibility, count in (("public", 1), ("unlisted", 0), ("public", 1)):
            told = {"visibility": visibility}
            assert client_of(owner).patch(path, told, format="json").status_code == 200
            assert found(APIClient(), "zanzbiar") == alike("Zanzibar") * count
            tidy_words()
            assert known("zanzibar") == count

    def test_of_a_track_that_is_made_are_known_when_it_is_ready(self, owner: User) -> None:
        track = make_track(owner, "Zanzibar", status="processing")
        assert known("zanzibar") == 0
        Track.objects.filter(pk=track.pk).update(status="ready")
        assert found(APIClient(), "zanzbiar") == alike("Zanzibar")

    def test_follow_what_a_track_is_called(self, owner: User) -> None:
        track = make_track(owner, "Midnight")
        path = f"{TRACKS}/{track.pk}"
        assert client_of(owner).patch(path, {"title": "Noontide"}, format="json").status_code == 200
        assert found(APIClient(), "noontdie") == alike("Noontide")
        assert found(APIClient(), "midnihgt") == []

    def test_that_no_track_has_any_more_are_forgotten_in_the_night(self, owner: User) -> None:
        make_track(owner, "Midnight rain")
        make_track(owner, "Midnight").delete()
        make_track(owner, "Sunrise").delete()
        TrackWord.objects.create(word="rain")
        assert (known("sunrise"), known("midnight"), known("rain")) == (1, 1, 2)
        purge_tracks()
        assert (known("sunrise"), known("midnight"), known("rain")) == (0, 1, 1)

    def test_that_are_missing_come_back_in_the_night(self, owner: User) -> None:
        make_track(owner, "Midnight")
        TrackWord.objects.all().delete()
        assert found(APIClient(), "midnihgt") == []
        tidy_words()
        assert found(APIClient(), "midnihgt") == alike("Midnight")


@pytest.mark.django_db(transaction=True)
def test_two_who_bring_the_same_words_do_not_wait_for_each_other(owner: User) -> None:
    rows = [make_track(owner, f"Track {n}").pk for n in range(2)]
    both = [connection.copy(), connection.copy()]
    try:
        for each in both:
            each.set_autocommit(False)
            with each.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '5s'")
        for n in (0, 1, 1, 0):  # each brings a word before the other has committed it
            for at, word in ((n, "zebra"), (1 - n, "okapi")):
                with both[at].cursor() as cursor:
                    cursor.execute(
                        "UPDATE track_track SET words = words || %s WHERE id = %s",
                        [f" {word}", rows[at]],
                    )
        for each in both:
            each.commit()
    finally:
        for each in both:
            each.close()
    assert sorted(found(APIClient(), "zerba oakpi")) == alike("Track 0", "Track 1")
    tidy_words()
    assert (known("zebra"), known("okapi")) == (1, 1)
