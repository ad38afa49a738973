"""Streams that an external server makes, over the signed protocol."""

from datetime import timedelta
from unittest.mock import Mock
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from pytest_httpserver import HTTPServer
from rest_framework.test import APIClient

from apps.auth.models import User
from apps.events.types import Actor
from apps.track.events import TrackFailed, TrackReady
from apps.track.models import Rendition, Track, TrackVersion
from apps.track.services import jobs, processing
from apps.track.services.again import try_again
from apps.track.tasks import process_version, resume_versions
from apps.track.types import TrackStatus
from tests.apps.track.stream_servers import MASTER, OwnStreamServer, report
from tests.apps.track.test_tracks_api import content
from tests.factories.auth import client_of, make_user
from tests.factories.sounds import wav
from tests.support import published
from veza.health.dependencies import Condition, check_stream_server
from veza.integrations.object_storage import object_storage
from veza.integrations.stream_server import StreamServerUnavailableError

pytestmark = pytest.mark.django_db

TRACKS = "/api/v1/tracks"
HALF_AN_HOUR = timedelta(minutes=30, seconds=1)


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def client(owner: User) -> APIClient:
    return client_of(owner)


@pytest.fixture
def streams(httpserver: HTTPServer, settings) -> OwnStreamServer:
    started = OwnStreamServer(httpserver)
    settings.STREAM_SERVER_URL = started.url
    return started


def send(client: APIClient, visibility: str = "public") -> str:
    file = SimpleUploadedFile("dawn.wav", wav())
    sent = {"file": file, "visibility": visibility}
    return str(client.post(TRACKS, sent, format="multipart").json()["id"])


def work(track_id: str, n: int = 1) -> None:
    """A worker with all its retries."""
    version = TrackVersion.objects.get(track_id=track_id, n=n)
    process_version.apply(kwargs={"version_id": str(version.id)}).get()


def asked(client: APIClient, **told: str) -> str:
    """The id of a track that the stream server is to make."""
    track_id = send(client, **told)
    work(track_id)
    return track_id


def status(client: APIClient, track_id: str) -> dict[str, object]:
    found: dict[str, object] = client.get(f"{TRACKS}/{track_id}/status").json()
    return found


class TestAsking:
    def test_names_the_file_and_where_to_report(
        self, client: APIClient, streams: OwnStreamServer
    ) -> None:
        track_id = asked(client)

        [job] = streams.jobs
        assert job.keys() == {"track_id", "version", "source_url", "callback_url"}
        assert (job["track_id"], job["version"]) == (track_id, 1)
        assert urlsplit(job["callback_url"]).path == (
            f"/api/v1/internal/tracks/{track_id}/stream-ready"
        )
        source = urlsplit(job["source_url"])
        assert content(APIClient().get(f"{source.path}?{source.query}")) == wav()
        assert APIClient().get(source.path).status_code == 403
        found = status(client, track_id)
        assert (found["status"], found["stage"]) == ("processing", "transcoding")
        ours = f"tracks/{TrackVersion.objects.get().id}/hls/"
        assert list(object_storage().list_objects(ours)) == []

    def test_goes_on_until_the_job_is_taken(
        self, client: APIClient, streams: OwnStreamServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        streams.answers = [503, 500, 429, 302]
        scans = Mock(wraps=processing._scan)
        monkeypatch.setattr(processing, "_scan", scans)

        track_id = asked(client)

        assert len(streams.jobs) == 5
        assert len(set(streams.nonces)) == 5
        assert scans.call_count == 1
        work(track_id)  # a task that is delivered twice
        assert len(streams.jobs) == 5

    def test_ends_where_it_never_is(self, client: APIClient, streams: OwnStreamServer) -> None:
        streams.answers = [503] * 1000
        track_id = asked(client)

        assert len(streams.jobs) == jobs.MAX_TRIES
        error = status(client, track_id)["error"]
        assert isinstance(error, dict)
        assert (error["code"], error["retryable"]) == ("stream_server_unavailable", True)
        assert len(published(TrackFailed)) == 1

    def test_comes_again_after_half_an_hour_of_silence_then_ends(
        self, client: APIClient, streams: OwnStreamServer
    ) -> None:
        track_id = asked(client)
        resume_versions()
        later = timezone.now() + HALF_AN_HOUR
        assert jobs.find_silent(now=later - timedelta(minutes=1)) == []

        assert processing.find_stuck(now=later) == []
        [version_id] = jobs.find_silent(now=later)
        assert jobs.end_silent(now=later) == 0
        assert processing.process(version_id=version_id, now=later)
        assert len(streams.jobs) == 2
        assert jobs.find_silent(now=later) == []

        latest = later + HALF_AN_HOUR
        assert jobs.find_silent(now=latest) == []
        assert jobs.end_silent(now=latest) == 1
        assert len(streams.jobs) == 2
        assert status(client, track_id)["error"] == {
            "code": "stream_server_silent",
            "detail": "The stream server took the file and never reported.",
            "retryable": True,
        }
        assert report(track_id).status_code == 204
        assert status(client, track_id)["status"] == "failed"

    def test_is_for_what_was_scanned(self, client: APIClient, streams: OwnStreamServer) -> None:
        track_id = send(client)
        answer = report(track_id)
        assert (answer.status_code, answer.json()["code"]) == (409, "job_unknown")
        assert status(client, track_id)["status"] == "processing"

    def test_is_not_for_what_was_deleted(self, client: APIClient, streams: OwnStreamServer) -> None:
        track_id = send(client)
        client.delete(f"{TRACKS}/{track_id}")
        work(track_id)
        assert streams.jobs == []


class TestHearing:
    def test_is_where_the_server_says(self, client: APIClient, streams: OwnStreamServer) -> None:
        track_id = asked(client)
        told = {"bitrate_bps": 128_000, "codec": "mp4a.40.2", "url": "b.m3u8"}
        assert report(track_id, renditions=[told], duration_ms=1990).status_code == 204

        found = client.get(f"{TRACKS}/{track_id}").json()
        assert (found["status"], found["duration_ms"]) == ("ready", 1990)
        assert Rendition.objects.get().bitrate_bps == 128_000
        answer = APIClient().get(urlsplit(found["stream_url"]).path)
        assert (answer.status_code, answer["Location"]) == (302, MASTER)
        assert APIClient().get(f"{TRACKS}/{track_id}/stream/64/index.m3u8").status_code == 404
        assert APIClient().get(f"{TRACKS}/{track_id}/waveform").status_code == 200

    def test_is_told_to_who_may_hear_it(self, client: APIClient, streams: OwnStreamServer) -> None:
        track_id = asked(client, visibility="private")
        report(track_id)

        url = urlsplit(client.get(f"{TRACKS}/{track_id}").json()["stream_url"])
        assert APIClient().get(url.path).status_code == 404
        assert client_of(make_user()).get(url.path).status_code == 404
        answer = APIClient().get(f"{url.path}?{url.query}")
        assert (answer.status_code, answer["Location"]) == (302, MASTER)
        assert answer["Cache-Control"].startswith("private")


class TestVersions:
    def test_an_older_one_gives_way(
        self, client: APIClient, owner: User, streams: OwnStreamServer
    ) -> None:
        track_id = asked(client)
        track = Track.objects.get()
        first = TrackVersion.objects.get()
        second = TrackVersion.objects.create(
            track=track, n=2, source_key=first.source_key, source_name="b.wav", size_bytes=1
        )
        assert processing.process(version_id=second.id, now=timezone.now())

        first.refresh_from_db()
        assert (first.status, first.error_code) == ("failed", "superseded")
        answer = report(track_id)
        assert (answer.status_code, answer.json()["code"]) == (409, "stale_version")
        assert status(client, track_id)["status"] == "processing"
        assert report(track_id, version=2).status_code == 204
        assert client.get(f"{TRACKS}/{track_id}").json()["version"] == 2
        assert [fact["n"] for fact in published(TrackReady)] == [2]
        assert report(track_id).status_code == 409

    def test_one_that_is_late_itself_gives_way_too(
        self, client: APIClient, streams: OwnStreamServer
    ) -> None:
        track_id = send(client)
        first = TrackVersion.objects.get()
        TrackVersion.objects.create(
            track=first.track, n=2, source_key="x", size_bytes=1, job_asked_at=timezone.now()
        )
        work(track_id)
        assert streams.jobs == []
        assert TrackVersion.objects.get(n=1).error_code == "superseded"

    def test_that_failed_are_asked_for_at_once_when_an_operator_says_so(
        self, client: APIClient, streams: OwnStreamServer
    ) -> None:
        track_id = asked(client)
        report(track_id, status="failed", error="no space")
        version = TrackVersion.objects.get()
        operator = Actor(type="user", id=make_user().id)
        try_again(version_id=version.pk, by=operator, now=timezone.now())
        work(track_id)

        assert [job["version"] for job in streams.jobs] == [1, 1]
        assert report(track_id).status_code == 204
        assert status(client, track_id)["status"] == "ready"


class TestReadiness:
    def test_says_whether_it_can_be_reached(self, streams: OwnStreamServer, settings) -> None:
        assert check_stream_server() == Condition("up")
        settings.STREAM_SERVER_URL = "http://127.0.0.1:1"
        with pytest.raises(StreamServerUnavailableError):
            check_stream_server()
        settings.STREAM_SERVER_URL = ""
        assert check_stream_server() == Condition("off")


def test_without_one_the_workers_make_streams(client: APIClient) -> None:
    track_id = asked(client)
    assert status(client, track_id)["status"] == TrackStatus.READY
    assert report(track_id).status_code == 204
    assert TrackVersion.objects.get().master_url == ""
    assert len(published(TrackReady)) == 1
