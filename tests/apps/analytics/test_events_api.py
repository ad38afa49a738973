"""Players tell what was heard, and it is counted once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from apps.analytics.models import Listening, ListeningEvent
from apps.analytics.services import own_data, retention
from apps.analytics.services.intake import take_events
from apps.analytics.types import Sender
from apps.track.models import Track
from apps.track.services import counters
from tests.apps.analytics.players import EVENTS, event, hearing, hour_ago, make_track
from tests.factories.auth import client_of, make_user
from veza.kit.models import first_id_of

NOBODY = Sender(user_id=None, country="ZZ", is_bot=False)


def plays(track: Track) -> int:
    return Track.objects.get(pk=track.pk).play_count


@pytest.mark.django_db
def test_a_play_is_counted_once_whoever_repeats_it(api_client: APIClient) -> None:
    track = make_track()
    batch = {"events": hearing(track.id, seconds=30, at=hour_ago(), session_id="visit")}
    first = api_client.post(EVENTS, batch, format="json")
    assert (first.status_code, first.json()) == (
        202,
        {"accepted": 4, "duplicates": 0, "rejected": []},
    )
    again = api_client.post(EVENTS, batch, format="json").json()
    assert again == {"accepted": 0, "duplicates": 4, "rejected": []}
    assert plays(track) == 1
    shown = api_client.get(f"/api/v1/tracks/{track.id}").json()
    assert shown["stats"]["plays"] == 1
    assert "192.0.2" not in str(list(ListeningEvent.objects.values()))


@pytest.mark.django_db
def test_each_wrong_event_is_told_and_the_others_count(api_client: APIClient) -> None:
    track = make_track()
    now = timezone.now()
    good = event(track.id, "track_viewed", now, 0, session_id="visit")
    wrong = {
        "event_type_unknown": {**good, "type": "play_everything"},
        "event_too_old": {**good, "at": (now - timedelta(days=31)).isoformat()},
        "event_in_future": {**good, "at": (now + timedelta(hours=1)).isoformat()},
        "session_required": {k: v for k, v in good.items() if k != "session_id"},
        "track_required": {k: v for k, v in good.items() if k != "track_id"},
        "track_not_found": {**good, "track_id": str(uuid4())},
        "invalid": {**good, "position_ms": -1},
    }
    others = [7, {**good, "id": "x"}, {**good, "at": "yesterday"}, {**good, "data": []},
              {**good, "source": "A B"}, {**good, "data": {"x": "y" * 5000}}]  # fmt: skip
    answer = api_client.post(EVENTS, {"events": [good, *wrong.values(), *others]}, format="json")
    body = answer.json()
    assert (answer.status_code, body["accepted"], body["duplicates"]) == (202, 1, 0)
    assert [each["index"] for each in body["rejected"]] == list(range(1, 14))
    assert [each["code"] for each in body["rejected"]] == [*wrong, *["invalid"] * 6]


@pytest.mark.django_db
@pytest.mark.parametrize("body", [{}, {"events": {}}, {"events": [{}] * 501}, []])
def test_what_is_no_batch_is_refused(api_client: APIClient, body: object) -> None:
    answer = api_client.post(EVENTS, body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


@pytest.mark.django_db
def test_custom_events_need_no_track(api_client: APIClient) -> None:
    told = {"id": str(uuid4()), "type": "custom.theme", "session_id": "v",
            "at": timezone.now().isoformat(), "data": {"dark": True}}  # fmt: skip
    assert api_client.post(EVENTS, {"events": [told]}, format="json").json()["accepted"] == 1
    assert ListeningEvent.objects.get().data == {"dark": True}


@pytest.mark.django_db
def test_what_one_may_not_see_one_cannot_play(api_client: APIClient) -> None:
    track = make_track(visibility="private")
    batch = {"events": hearing(track.id, seconds=30, at=hour_ago(), session_id="v")}
    refused = api_client.post(EVENTS, batch, format="json").json()
    assert {each["code"] for each in refused["rejected"]} == {"track_not_found"}
    assert client_of(track.owner).post(EVENTS, batch, format="json").json()["accepted"] == 4
    assert plays(track) == 1


@pytest.mark.django_db
def test_late_events_in_any_order_make_the_same_play(api_client: APIClient) -> None:
    track = make_track()
    for each in reversed(hearing(track.id, seconds=40, at=hour_ago(30), session_id="v")):
        assert api_client.post(EVENTS, {"events": [each]}, format="json").status_code == 202
    assert plays(track) == 1
    assert Listening.objects.get().listened_ms == 40_000


@pytest.mark.django_db
def test_sessions_and_hours_count_apart(api_client: APIClient) -> None:
    track = make_track()
    batch = [
        *hearing(track.id, seconds=30, at=hour_ago(1), session_id="a"),
        *hearing(track.id, seconds=30, at=hour_ago(1) + timedelta(minutes=5), session_id="a"),
        *hearing(track.id, seconds=30, at=hour_ago(2), session_id="a"),
        *hearing(track.id, seconds=30, at=hour_ago(1), session_id="b"),
    ]
    api_client.post(EVENTS, {"events": batch}, format="json")
    assert plays(track) == 3


@pytest.mark.django_db(transaction=True)
def test_many_at_once_lose_no_play_and_count_none_twice() -> None:
    track = make_track()
    batches = [
        hearing(track.id, seconds=30, at=hour_ago(), session_id=f"s{number}")
        for number in range(12)
    ]

    def send(batch: list[dict[str, object]]) -> int:
        try:
            return take_events(batch, sender=NOBODY, now=timezone.now()).accepted
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        accepted = sum(pool.map(send, [*batches, *batches]))
    assert accepted == 12 * 4
    assert plays(track) == Listening.objects.filter(is_counted=True).count() == 12


@pytest.mark.django_db
def test_plays_written_by_hand_are_mended_and_a_replay_changes_nothing() -> None:
    track = make_track()
    take_events(
        hearing(track.id, seconds=30, at=hour_ago(), session_id="a"),
        sender=NOBODY,
        now=timezone.now(),
    )
    Track.objects.filter(pk=track.pk).update(play_count=99)
    assert counters.recount()["play_count"] == 1
    assert plays(track) == 1
    before = list(Listening.objects.values())
    call_command("replay_listening", "--json")
    assert list(Listening.objects.values()) == before
    Listening.objects.update(listened_ms=0, is_counted=False)
    Track.objects.filter(pk=track.pk).update(play_count=0)
    call_command("replay_listening", "--json")
    assert (plays(track), Listening.objects.get().listened_ms) == (1, 30_000)


@pytest.mark.django_db
def test_old_events_go_and_plays_stay() -> None:
    track = make_track()
    now = timezone.now()
    take_events(
        hearing(track.id, seconds=30, at=hour_ago(), session_id="a"), sender=NOBODY, now=now
    )
    old = UUID(int=first_id_of(now - timedelta(days=91)).int)
    ListeningEvent.objects.filter(type="play_started").update(id=old)
    assert retention.trim_events(now=now) == 1
    assert ListeningEvent.objects.count() == 3
    assert (plays(track), Listening.objects.count()) == (1, 1)


@pytest.mark.django_db
def test_who_is_erased_leaves_plays_of_nobody() -> None:
    track, person = make_track(), make_user()
    sender = Sender(user_id=person.id, country="FR", is_bot=False)
    take_events(hearing(track.id, seconds=30, at=hour_ago()), sender=sender, now=timezone.now())
    [told] = own_data._read(person.id)
    assert (told["track_id"], told["listened_ms"], told["country"]) == (track.id, 30_000, "FR")
    listener = Listening.objects.get().listener
    own_data._erase(person.id)
    left = Listening.objects.get()
    assert (left.user_id, left.is_counted) == (None, True)
    assert left.listener != listener
    assert not ListeningEvent.objects.exists()
