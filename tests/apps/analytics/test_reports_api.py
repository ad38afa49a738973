"""How a track is heard: the sums equal what was told."""

import random
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.analytics.models import ListeningEvent, TrackHour
from apps.analytics.rules.listening import Told, listenings
from apps.analytics.services import rollups
from apps.analytics.services.intake import take_events
from apps.analytics.types import Sender
from apps.auth.types import REGISTRATION_ROLES, RoleName
from apps.track.models import TrackCollaborator
from tests.apps.analytics.players import event, hearing, hour_ago, make_track
from tests.factories.auth import client_of, make_user

NOBODY = Sender(user_id=None, country="FR", is_bot=False)


def send(*events: dict[str, Any]) -> None:
    take_events(events, sender=NOBODY, now=timezone.now())


@pytest.mark.django_db
def test_the_owner_sees_how_a_track_is_heard() -> None:
    track = make_track()
    at = hour_ago(3)
    send(*hearing(track.id, seconds=240, at=at, session_id="a", source="playlist"))
    send(*hearing(track.id, seconds=60, at=at, session_id="b"))
    send(*hearing(track.id, seconds=12, at=at, session_id="c"))
    answer = client_of(track.owner).get(f"/api/v1/analytics/tracks/{track.id}?interval=hour")
    body = answer.json()
    assert answer.status_code == 200
    assert body["totals"] == {
        "plays": 2, "unique_listeners": 2, "listened_ms": 312_000, "completion": 0.625,
    }  # fmt: skip
    assert len(body["retention"]) == 100
    assert (body["retention"][0], body["retention"][24], body["retention"][25]) == (1.0, 1.0, 0.5)
    assert body["sources"] == [{"name": "playlist", "plays": 1}, {"name": "unknown", "plays": 1}]
    assert body["countries"] == [{"code": "FR", "plays": 2}]
    [point] = [each for each in body["series"] if each["plays"]]
    assert point["at"] == at.replace(minute=0).isoformat().replace("+00:00", "Z")
    assert point["unique_listeners"] == 2
    assert len(body["series"]) == 30 * 24


@pytest.mark.django_db
def test_only_who_may_edit_a_track_sees_its_figures(api_client: APIClient) -> None:
    track, friend = make_track(), make_user()
    path = f"/api/v1/analytics/tracks/{track.id}"
    assert api_client.get(path).status_code == 401
    assert client_of(friend).get(path).json()["code"] == "track_not_found"
    TrackCollaborator.objects.create(track=track, user=friend)
    assert client_of(friend).get(path).status_code == 200


@pytest.mark.django_db
def test_a_creator_sees_all_that_is_his_and_nothing_else() -> None:
    track, other = make_track(), make_track()
    second = make_track(owner=track.owner)
    for mine, sessions in ((track, "ab"), (second, "a"), (other, "abc")):
        for session in sessions:
            send(*hearing(mine.id, seconds=30, at=hour_ago(), session_id=session))
    body = client_of(track.owner).get("/api/v1/analytics/me").json()
    assert (body["totals"]["plays"], body["totals"]["unique_listeners"]) == (3, 2)
    assert [(each["track_id"], each["plays"]) for each in body["tracks"]] == [
        (str(track.id), 2), (str(second.id), 1),
    ]  # fmt: skip
    operator = make_user(roles=REGISTRATION_ROLES | {RoleName.OPERATOR})
    everything = client_of(operator).get("/api/v1/analytics/platform").json()
    assert everything["totals"]["plays"] == 6
    assert client_of(track.owner).get("/api/v1/analytics/platform").status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query", ["interval=year", "from=x", "from=2026-02-01&to=2026-01-01", "to=2026-01-01T00:00:00",
              "from=2020-01-01&interval=hour", "from=0001-01-01"],
)  # fmt: skip
def test_a_wrong_period_is_told(query: str) -> None:
    answer = client_of(make_user()).get(f"/api/v1/analytics/me?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), answer.json()


@pytest.mark.django_db
def test_sums_equal_the_events_after_any_sequence() -> None:
    chance = random.Random(7)
    tracks = [make_track(), make_track(duration_ms=25_000)]
    kinds = ["play_started", "play_progress", "play_progress", "play_progress", "play_paused",
             "play_seeked", "play_ended"]  # fmt: skip
    events = []
    for session in range(6):
        at, position = hour_ago(20), 0
        for _ in range(60):
            at += timedelta(seconds=chance.choice([1, 5, 10, 10, 400]))
            position = (position + chance.choice([0, 5, 10, 10, 90]) * 1000) % 240_000
            track = chance.choice(tracks)
            kind = chance.choice(kinds)
            events.append(event(track.id, kind, at, position, session_id=f"s{session}"))
    chance.shuffle(events)
    while events:
        some = [events.pop() for _ in range(min(len(events), chance.randint(1, 40)))]
        send(*some)
        if chance.random() < 0.3:
            rollups.refresh(now=timezone.now())
    rollups.refresh(now=timezone.now())
    assert _sums_of_events() == {
        (row.track_id, row.hour): (row.plays, row.listened_ms, row.covered)
        for row in TrackHour.objects.all()
        if row.listened_ms
    }
    for track in tracks:
        track.refresh_from_db()
    assert sum(track.play_count for track in tracks) == sum(
        each[0] for each in _sums_of_events().values()
    )
    assert sum(track.play_count for track in tracks) > 5


def _sums_of_events() -> dict[Any, tuple[int, int, int]]:
    """By the rules alone, from what is stored as it was told."""
    told: dict[Any, list[Told]] = defaultdict(list)
    for row in ListeningEvent.objects.order_by("at", "id"):
        told[row.track_id, row.session].append(
            Told(type=row.type, at=row.at, position_ms=row.position_ms, duration_ms=row.duration_ms,
                 source=row.source, country=row.country, is_bot=row.is_bot)
        )  # fmt: skip
    sums: dict[Any, tuple[int, int, int]] = defaultdict(lambda: (0, 0, 0))
    for (track_id, _), events in told.items():
        for each in listenings(events):
            plays, listened, covered = sums[track_id, each.hour]
            covered += each.buckets.bit_count() if each.is_counted else 0
            sums[track_id, each.hour] = (
                plays + each.is_counted, listened + each.listened_ms, covered,
            )  # fmt: skip
    return {key: value for key, value in sums.items() if value[1]}
