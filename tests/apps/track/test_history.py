"""What is written down and counted of the making of tracks, and trying again."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from apps.auth.models import AuditEntry, User
from apps.events.types import Actor
from apps.track.errors import TrackNotFoundError, VersionEndedError
from apps.track.events import TrackRetried
from apps.track.models import StepEntry, Track, TrackVersion
from apps.track.selectors.making import making_of, waiting_by_stage
from apps.track.services import history, processing, stages
from apps.track.services.again import try_again
from apps.track.services.history import KEPT, step
from apps.track.types import Stage, Step, TrackStatus
from tests.apps.track.test_tracks_api import make, send
from tests.factories.auth import client_of, make_user
from tests.factories.sounds import EICAR
from tests.support import published
from tests.veza.test_metrics import sample, scrape
from veza.integrations.antivirus import AntivirusUnavailableError
from veza.integrations.object_storage import StorageUnavailableError

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user()


def version_of(owner: User, content: bytes = b"") -> TrackVersion:
    """A file that has just been sent."""
    track_id = send(client_of(owner), content).json()["id"]
    return TrackVersion.objects.get(track_id=track_id)


def lines(version: TrackVersion) -> list[tuple[str, str, str, int]]:
    rows = StepEntry.objects.filter(version=version).order_by("id")
    return list(rows.values_list("step", "result", "code", "tries"))


class Away:
    def scan(self, stream: object) -> None:
        raise AntivirusUnavailableError


def failed(version: TrackVersion, monkeypatch: pytest.MonkeyPatch) -> TrackVersion:
    """The storage takes nothing, until the version is given up."""

    def refuse(*_: object) -> None:
        raise StorageUnavailableError

    with monkeypatch.context() as patch:
        patch.setattr(processing, "_store", refuse)
        for _ in range(processing.MAX_TRIES - 1):
            assert not processing.process(version_id=version.pk, now=timezone.now())
        assert processing.process(version_id=version.pk, now=timezone.now())
    version.refresh_from_db()
    assert version.status == TrackStatus.FAILED
    return version


class TestHistory:
    def test_tells_every_step_of_a_track(self, owner: User) -> None:
        version = version_of(owner)
        make(str(version.track_id))

        assert lines(version) == [(name, "done", "", 1) for name in Step.values]
        assert not StepEntry.objects.filter(ended_at__lt=F("began_at")).exists()

    def test_names_the_virus_to_operators_alone(self, owner: User) -> None:
        version = version_of(owner, EICAR)
        make(str(version.track_id))

        assert lines(version) == [("scan", "rejected", "infected", 1)]
        assert "Eicar-Test-Signature" in StepEntry.objects.get().detail
        version.refresh_from_db()
        assert "Eicar" not in version.error_detail

    def test_of_a_scanner_that_is_away_is_one_line(
        self, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        version = version_of(owner)
        with monkeypatch.context() as patch:
            patch.setattr(processing, "antivirus", Away)
            for _ in range(20):
                assert not processing.process(version_id=version.pk, now=timezone.now())
        due_at = timezone.now() + timedelta(minutes=5)
        history.note_next_try(version.pk, at=due_at)

        assert lines(version) == [("scan", "waits", "antivirus_unavailable", 20)]
        making = making_of([version])[version.pk]
        assert making.last is not None
        assert making.last.due_at == due_at

        make(str(version.track_id))
        assert lines(version)[0] == ("scan", "waits", "antivirus_unavailable", 20)
        assert StepEntry.objects.filter(due_at__isnull=False).count() == 0

    def test_a_long_absence_of_the_scanner_takes_no_try_from_what_follows(
        self, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        version = version_of(owner)
        with monkeypatch.context() as patch:
            patch.setattr(processing, "antivirus", Away)
            for _ in range(processing.MAX_TRIES + 1):
                assert not processing.process(version_id=version.pk, now=timezone.now())
        failed(version, monkeypatch)

    def test_keeps_the_newest_lines_of_each_version(self, owner: User) -> None:
        version, other = version_of(owner), version_of(owner)
        with step(other.pk, Step.SCAN):
            pass
        for number in range(KEPT + 5):
            with step(version.pk, list(Step)[number % 2]):
                pass

        assert len(lines(version)) == KEPT
        assert len(lines(other)) == 1

    def test_a_step_whose_worker_was_killed_is_lost(self, owner: User) -> None:
        version = version_of(owner)
        history.begin(version.pk, Step.PROBE, now=timezone.now())
        history.begin(version.pk, Step.SCAN, now=timezone.now())

        assert lines(version) == [("probe", "lost", "", 1), ("scan", "running", "", 1)]

    def test_a_fault_of_ours_is_named_by_its_kind_and_passes_through(self, owner: User) -> None:
        version = version_of(owner)
        with pytest.raises(ZeroDivisionError), step(version.pk, Step.PROBE):
            raise ZeroDivisionError

        assert lines(version) == [("probe", "failed", "ZeroDivisionError", 1)]

    def test_a_version_that_kills_its_worker_each_time_is_given_up(self, owner: User) -> None:
        version = version_of(owner)
        killed = {"tries": processing.MAX_TRIES, "stage": Stage.TRANSCODING}
        TrackVersion.objects.filter(pk=version.pk).update(**killed)
        make(str(version.track_id))

        version.refresh_from_db()
        assert (version.status, version.error_code) == ("failed", "worker_lost")


class TestMetrics:
    def test_count_steps_and_ends(
        self, owner: User, django_capture_on_commit_callbacks: Any
    ) -> None:
        wanted = {
            'veza_track_steps_total{result="done",step="scan"}': 1,
            'veza_track_steps_total{result="done",step="store"}': 1,
            'veza_track_steps_total{result="rejected",step="scan"}': 1,
            'veza_track_step_duration_seconds_count{step="scan"}': 2,
            'veza_tracks_ended_total{code="",status="ready"}': 1,
            'veza_tracks_ended_total{code="infected",status="rejected"}': 1,
        }
        before = scrape()
        for version in (version_of(owner), version_of(owner, EICAR)):
            with django_capture_on_commit_callbacks(execute=True):
                make(str(version.track_id))
        after = scrape()

        assert {
            name: sample(after, name) - sample(before, name) for name in wanted
        } == pytest.approx(wanted)

    def test_tell_what_is_being_made_and_since_when(self, owner: User) -> None:
        version = version_of(owner)
        stages.enter(version, Stage.TRANSCODING)
        found = waiting_by_stage(now=timezone.now() + timedelta(minutes=11))

        assert found[Stage.TRANSCODING].count == 1
        assert found[Stage.TRANSCODING].oldest_s == pytest.approx(660, abs=5)
        assert (found[Stage.SCANNING].count, found[Stage.SCANNING].oldest_s) == (0, 0)
        Track.objects.update(deleted_at=timezone.now())
        assert waiting_by_stage(now=timezone.now())[Stage.TRANSCODING].count == 0

    def test_tell_whether_the_scanner_answers(self) -> None:
        text = scrape()
        assert sample(text, "veza_antivirus_up") == 1
        assert 'veza_track_versions_making{stage="uploaded"}' in text


class TestTryingAgain:
    def actor(self) -> Actor:
        return Actor(type="user", id=str(make_user(username="boss").pk))

    def test_makes_what_failed(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        version = failed(version_of(owner), monkeypatch)
        actor = self.actor()
        try_again(version_id=version.pk, by=actor, now=timezone.now())

        assert Track.objects.get().status == TrackStatus.PROCESSING
        [fact] = published(TrackRetried)
        assert fact["version_id"] == str(version.pk)
        entry = AuditEntry.objects.get(action="track.retried")
        assert (entry.actor_id, entry.user_id) == (actor.id, owner.pk)
        assert entry.details["code"] == "storage_unavailable"
        make(str(version.track_id))
        assert Track.objects.get().status == TrackStatus.READY

    def test_is_refused_for_what_ended_for_good(self, owner: User) -> None:
        for content in (b"", EICAR):
            version = version_of(owner, content)
            make(str(version.track_id))
            with pytest.raises(VersionEndedError):
                try_again(version_id=version.pk, by=self.actor_once(), now=timezone.now())
        assert not AuditEntry.objects.filter(action="track.retried").exists()
        assert published(TrackRetried) == []

    def actor_once(self) -> Actor:
        return Actor(type="user", id=str(make_user().pk))

    def test_is_refused_for_what_its_owner_deleted(self, owner: User) -> None:
        version = version_of(owner)
        Track.objects.update(deleted_at=timezone.now())
        with pytest.raises(TrackNotFoundError):
            try_again(version_id=version.pk, by=self.actor_once(), now=timezone.now())

    def test_counts_the_waiting_anew(self, owner: User) -> None:
        version = version_of(owner)
        long_ago = timezone.now() - timedelta(days=9)
        TrackVersion.objects.update(queued_at=long_ago, tries=7)
        try_again(version_id=version.pk, by=self.actor_once(), now=timezone.now())

        version.refresh_from_db()
        assert (version.tries, version.stage) == (0, Stage.UPLOADED)
        assert waiting_by_stage(now=timezone.now())[Stage.UPLOADED].oldest_s < 60
