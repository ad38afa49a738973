"""The operators' pages of tracks and uploads."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.auth.models import AuditEntry, RolePermission, User
from apps.auth.types import RoleName
from apps.track.models import Track, TrackVersion
from apps.track.services import stages
from apps.track.types import Stage
from tests.apps.track.test_tracks_api import content, made, make, send
from tests.apps.track.test_versions_api import uploaded
from tests.factories.auth import client_of, make_user
from tests.factories.sounds import EICAR

pytestmark = pytest.mark.django_db

TRACKS = "/admin/track/track/"


@pytest.fixture
def owner() -> User:
    return make_user(username="mona")


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(make_user(username="boss", roles=frozenset({RoleName.OPERATOR})))
    return client


def sent(owner: User, **told: Any) -> Track:
    return Track.objects.get(pk=send(client_of(owner), **told).json()["id"])


def page(operator: Client, track: Track) -> str:
    answer = operator.get(reverse("admin:track_track_change", args=[track.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def names(operator: Client, **query: str) -> set[str]:
    """The titles in the list."""
    text = operator.get(TRACKS, query).content.decode()
    return {track.title for track in Track.objects.all() if f">{track.title}<" in text}


class TestList:
    def test_is_narrowed_by_state_stage_age_and_owner(self, operator: Client, owner: User) -> None:
        other = make_user(username="otto")
        old, young, ready = (sent(owner, title=name) for name in ("Old", "Young", "Ready"))
        sent(other, title="Foreign")
        make(str(ready.pk))
        stages.enter(TrackVersion.objects.get(track=young), Stage.SCANNING)
        hour = timezone.now() - timedelta(hours=1)
        TrackVersion.objects.filter(track=old).update(queued_at=hour)

        assert names(operator) == {"Old", "Young", "Ready", "Foreign"}
        assert names(operator, status__exact="ready") == {"Ready"}
        assert names(operator, stage="scanning") == {"Young"}
        assert names(operator, age="10min") == {"Old"}
        assert names(operator, age="1d") == set()
        assert names(operator, owner=str(other.pk)) == {"Foreign"}
        assert names(operator, owner="nonsense") == set()
        assert names(operator, q="otto") == {"Foreign"}
        assert names(operator, q=str(young.pk)) == {"Young"}

    def test_takes_as_many_queries_for_many_as_for_few(
        self, operator: Client, owner: User, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(12):
            sent(owner, title=f"Track {number}")
        operator.get(TRACKS)
        with django_assert_max_num_queries(20):
            operator.get(TRACKS)

    def test_is_for_who_has_the_permission(self, operator: Client, owner: User) -> None:
        track = sent(owner, title="Hidden")
        RolePermission.objects.filter(permission_id="tracks.read").delete()

        assert operator.get(TRACKS).status_code == 403
        assert operator.get(f"{TRACKS}{track.pk}/change/").status_code == 403


class TestPage:
    def test_of_a_ready_track_plays_and_draws_it(self, operator: Client, owner: User) -> None:
        track = Track.objects.get(pk=made(client_of(owner), title="Dawn", visibility="private"))
        text = page(operator, track)

        assert "It can be heard." in text
        assert '<path d="M0.5 ' in text
        assert f"/admin/track/track/{track.active_id}/sound/128/index.m3u8" in text
        assert "Transcode" in text
        assert "Try again" not in text

    def test_tells_why_it_stands_still(self, operator: Client, owner: User) -> None:
        track = sent(owner)
        TrackVersion.objects.update(queued_at=timezone.now() - timedelta(minutes=3))

        assert "No worker has begun it for 3 min" in page(operator, track)

    def test_shows_quarantine_and_the_name_of_the_virus(
        self, operator: Client, owner: User
    ) -> None:
        track = sent(owner, content=EICAR)
        make(str(track.pk))
        text = page(operator, track)

        assert "Eicar-Test-Signature" in text
        assert "in quarantine" in text
        assert "Nothing of it can be heard yet." in text

    def test_shows_what_users_write_as_text(self, operator: Client, owner: User) -> None:
        track = sent(owner, title="<script>x</script>", name="<img src=x>.wav")
        text = page(operator, track)

        assert "<script>x" not in text
        assert "<img src=x" not in text

    def test_of_a_track_that_is_not_there(self, operator: Client) -> None:
        missing = reverse("admin:track_track_change", args=["x"])
        assert operator.get(missing).status_code in (302, 404)


class TestSound:
    def sound(self, operator: Client, version_id: object, name: str) -> Any:
        return operator.get(f"{TRACKS}{version_id}/sound/{name}")

    def test_is_served_to_operators_alone(self, operator: Client, owner: User) -> None:
        track = Track.objects.get(pk=made(client_of(owner), visibility="private"))
        playlist = self.sound(operator, track.active_id, "128/index.m3u8")
        init = self.sound(operator, track.active_id, "128/init.mp4")

        assert b"#EXT-X-MAP" in content(playlist)
        assert content(init)[4:8] == b"ftyp"
        assert "no-store" in init["Cache-Control"]
        assert self.sound(Client(), track.active_id, "128/init.mp4").status_code == 302
        listener = Client()
        listener.force_login(owner)
        assert self.sound(listener, track.active_id, "128/init.mp4").status_code == 302
        RolePermission.objects.filter(permission_id="tracks.read").delete()
        assert self.sound(operator, track.active_id, "128/init.mp4").status_code == 403

    @pytest.mark.parametrize(
        "name", ["../source", "../../x", "128/../../source", "none.m4s", "128/none.m4s", "%2e%2e"]
    )
    def test_leads_nowhere_else(self, operator: Client, owner: User, name: str) -> None:
        track = Track.objects.get(pk=made(client_of(owner)))
        assert self.sound(operator, track.active_id, name).status_code == 404

    def test_of_what_is_not_ready_is_not_there(self, operator: Client, owner: User) -> None:
        for body in (b"", EICAR):
            track = sent(owner, content=body)
            if body:
                make(str(track.pk))
            version = TrackVersion.objects.get(track=track)
            assert self.sound(operator, version.pk, "master.m3u8").status_code == 404


class TestTryingAgain:
    def fail(self, track: Track) -> None:
        version = TrackVersion.objects.get(track=track)
        assert stages.fail(version_id=version.pk, code="storage_full", detail="No room.")

    def test_from_the_page_asks_first_and_is_audited(self, operator: Client, owner: User) -> None:
        track = sent(owner, title="Dawn")
        self.fail(track)
        assert "It was given up: No room." in page(operator, track)
        action = f"{TRACKS}{track.pk}/try-one-again/"
        asked = operator.get(reverse("admin:track_track_try_one_again", args=[track.pk]))
        assert "audit log" in asked.content.decode()
        assert not AuditEntry.objects.filter(action="track.retried").exists()

        answer = operator.post(asked.request["PATH_INFO"], {"confirmed": "yes"}, follow=True)
        assert "It is being made again." in answer.content.decode(), action
        assert AuditEntry.objects.filter(action="track.retried", user_id=owner.pk).count() == 1
        track.refresh_from_db()
        assert track.status == "processing"

    def test_of_many_rows_tells_what_was_left(self, operator: Client, owner: User) -> None:
        tracks = [sent(owner, title=f"Track {number}") for number in range(3)]
        self.fail(tracks[0])
        make(str(tracks[2].pk))
        form = {
            "action": "try_rows_again", "_selected_action": [str(each.pk) for each in tracks],
        }  # fmt: skip
        assert "What will happen" in operator.post(TRACKS, form).content.decode()
        done = operator.post(TRACKS, form | {"confirmed": "yes"}, follow=True).content.decode()

        assert "2 are being made again." in done
        assert "1 left as they are" in done

    def test_needs_its_own_permission(self, operator: Client, owner: User) -> None:
        track = sent(owner)
        self.fail(track)
        RolePermission.objects.filter(permission_id="tracks.manage").delete()
        address = reverse("admin:track_track_try_one_again", args=[track.pk])

        assert "Try again" not in page(operator, track)
        assert operator.post(address, {"confirmed": "yes"}).status_code == 403
        track.refresh_from_db()
        assert track.status == "failed"


def test_uploads_are_listed_and_found(operator: Client, owner: User) -> None:
    open_one = uploaded(owner, b"x" * 1000, finished=False)
    done = uploaded(make_user(username="otto"), b"y" * 1000)
    address = "/admin/track/upload/"
    listed = operator.get(address).content.decode()

    assert "0 % of 1000" in listed
    assert "100 % of 1000" in listed
    found = operator.get(address, {"q": "otto"}).content.decode()
    assert done in found
    assert open_one not in found
    assert open_one in operator.get(address, {"q": open_one}).content.decode()
    detail = operator.get(f"{address}{done}/change/")
    assert "Night train.wav" in detail.content.decode()
