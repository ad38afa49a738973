"""Reports of the stream server: late, repeated, out of order, forged."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from apps.auth.models import User
from apps.events.models import OutboxFact
from apps.track.events import TrackDeleted, TrackFailed, TrackReady
from apps.track.models import Track, TrackVersion
from apps.track.services.tracks import delete_track
from apps.track.types import Stage
from tests.apps.track.stream_servers import path_of, report, signed
from tests.factories.auth import make_user
from tests.faults.rig.sizes import SIZE
from tests.support import published

pytestmark = pytest.mark.django_db

TRACKS = {"small": 40, "medium": 200, "large": 200}[SIZE.name]


def waiting(owner: User) -> Track:
    """A track whose job the stream server has."""
    track = Track.objects.create(owner=owner, title="Dawn", visibility="public")
    TrackVersion.objects.create(
        track=track, n=1, source_key=f"tracks/{track.id}/source", size_bytes=1, duration_ms=2000,
        stage=Stage.TRANSCODING, job_asked_at=timezone.now(), job_taken_at=timezone.now(),
        job_asks=1,
    )  # fmt: skip
    return track


@pytest.fixture
def track() -> Track:
    return waiting(make_user())


def state(track: Track) -> str:
    return str(Track.objects.get(pk=track.pk).status)


class TestRepeats:
    def test_have_one_effect(self, track: Track) -> None:
        assert [report(track.id).status_code for _ in range(5)] == [204] * 5
        assert report(track.id, status="failed", error="too late").status_code == 204
        assert state(track) == "ready"
        [fact] = published(TrackReady)
        assert fact["duration_ms"] == 2000
        assert published(TrackFailed) == []

    def test_change_nothing_after_a_failure(self, track: Track) -> None:
        assert report(track.id, status="failed", error="no disk").status_code == 204
        assert report(track.id).status_code == 204
        version = TrackVersion.objects.get()
        assert (state(track), version.error_detail) == ("failed", "no disk")
        assert published(TrackReady) == []

    def test_are_of_no_use_to_a_track_that_is_gone(self, track: Track) -> None:
        delete_track(track_id=track.id, user_id=track.owner_id, now=timezone.now())
        answer = report(track.id)
        assert (answer.status_code, answer.json()["code"]) == (404, "track_not_found")
        assert report(uuid4()).json()["code"] == "track_not_found"
        assert report(track.id, version=2).status_code == 404
        assert published(TrackReady) == []

    def test_of_a_version_that_is_not_there(self, track: Track) -> None:
        assert report(track.id, version=2).json()["code"] == "version_not_found"


class TestForgeries:
    def refused(self, track: Track, signature: str, **told: Any) -> str:
        answer = report(track.id, signature=signature, **told)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Veza-Signature")
        assert state(track) == "processing"
        return str(answer.json()["code"])

    def test_are_refused(self, track: Track) -> None:
        path, body = path_of(track.id), b'{"version": 1, "status": "ready"}'
        for signature in (
            "",
            "t=1,n=x,v1=y",
            signed(path, body, secret="another"),
            signed(path_of(uuid4()), body),
            signed(path, body),  # of another body
        ):
            assert self.refused(track, signature) == "signature_invalid"

    def test_are_replays_too(self, track: Track) -> None:
        path = path_of(track.id)
        body = json.dumps({"version": 1, "status": "failed", "error": "x"}).encode()
        headers = {"X-Veza-Signature": signed(path, body)}
        answers = [
            APIClient().post(path, body, content_type="application/json", headers=headers)
            for _ in range(2)
        ]
        assert [answer.status_code for answer in answers] == [204, 401]
        assert answers[1].json()["code"] == "signature_replayed"


class TestForm:
    @pytest.mark.parametrize(
        ("told", "field"),
        [
            ({"version": None}, "version"),
            ({"version": 0}, "version"),
            ({"version": "one"}, "version"),
            ({"version": 2**40}, "version"),
            ({"status": "done"}, "status"),
            ({"status": None}, "status"),
            ({"master_url": "javascript:alert(1)"}, "master_url"),
            ({"master_url": "//elsewhere/a"}, "master_url"),
            ({"master_url": "https://a b"}, "master_url"),
            ({"master_url": "https://[x"}, "master_url"),
            ({"master_url": "https://u:p@example.org/a"}, "master_url"),
            ({"master_url": "https://example.org/" + "a" * 2000}, "master_url"),
            ({"master_url": "https://example.org/a\r\nX: y"}, "master_url"),
            ({"master_url": ""}, "master_url"),
            ({"duration_ms": -1}, "duration_ms"),
            ({"duration_ms": "long"}, "duration_ms"),
            ({"renditions": "many"}, "renditions"),
            ({"renditions": [{"bitrate_bps": 0}]}, "renditions"),
            ({"renditions": [{"bitrate_bps": 1}, {"bitrate_bps": 1}]}, "renditions"),
            ({"renditions": [{}] * 21}, "renditions"),
            ({"error": 5}, "error"),
        ],
    )
    def test_is_checked(self, track: Track, told: dict[str, Any], field: str) -> None:
        answer = report(track.id, **told)
        assert answer.status_code == 400
        assert {each["field"].partition(".")[0] for each in answer.json()["errors"]} == {field}
        assert state(track) == "processing"

    def test_needs_an_address_to_be_ready(self, track: Track) -> None:
        path, body = path_of(track.id), b'{"version": 1, "status": "ready"}'
        answer = APIClient().post(
            path, body, content_type="application/json",
            headers={"X-Veza-Signature": signed(path, body)},
        )  # fmt: skip
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "master_url"
        assert state(track) == "processing"

    @pytest.mark.parametrize("body", [b"", b"[]", b"5", b"{", b"\xff", b"null"])
    def test_is_json(self, track: Track, body: bytes) -> None:
        path = path_of(track.id)
        headers = {"X-Veza-Signature": signed(path, body)}
        answer = APIClient().post(path, body, content_type="application/json", headers=headers)
        assert answer.status_code == 400
        assert state(track) == "processing"


@pytest.mark.django_db(transaction=True)
def test_many_in_any_order_leave_each_track_with_one_end() -> None:
    owner = make_user()
    tracks = [waiting(owner) for _ in range(TRACKS)]
    calls: list[tuple[str, UUID]] = []
    for number, track in enumerate(tracks):
        kinds = ["ready"] * 5 + ["failed", "forged", "old"] + ["delete"] * (number % 4 == 0)
        calls += [(kind, track.id) for kind in kinds]
    random.Random(28).shuffle(calls)

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda call: act(*call, owner=owner), calls))

    by_kind: dict[str, set[int]] = {}
    for (kind, _), answer in zip(calls, answers, strict=True):
        by_kind.setdefault(kind, set()).add(answer)
    assert by_kind["forged"] == {401}
    assert by_kind["old"] == {404}
    assert by_kind["ready"] <= {204, 404}
    check_ends(tracks)


def act(kind: str, track_id: UUID, *, owner: User) -> int:
    try:
        if kind == "delete":
            delete_track(track_id=track_id, user_id=owner.id, now=timezone.now())
            return 0
        if kind == "forged":
            return int(report(track_id, signature=signed("/", b"")).status_code)
        if kind == "old":
            return int(report(track_id, version=7).status_code)
        return int(report(track_id, status=kind).status_code)
    finally:
        connection.close()


def check_ends(tracks: list[Track]) -> None:
    facts: dict[str, list[str]] = {}
    kinds = (TrackReady.name, TrackFailed.name, TrackDeleted.name)
    for row in OutboxFact.objects.filter(type__in=kinds).order_by("seq"):
        facts.setdefault(str(row.aggregateid), []).append(row.type)
    for track in Track.objects.filter(pk__in=[track.pk for track in tracks]):
        told = facts.get(str(track.id), [])
        ends = [kind for kind in told if kind != TrackDeleted.name]
        if track.deleted_at is None:
            assert ends == [f"track.{track.status}"]
        else:  # what came after the deletion had no effect
            assert told[-1] == TrackDeleted.name
            assert len(ends) == (track.status != "processing")
