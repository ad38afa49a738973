"""Public answers from the cache: whose they are, until when, and what happens without Redis."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from apps.auth.models import User
from apps.datastream.selectors import metrics as metric_selectors
from apps.datastream.services import metrics
from apps.events import registry
from apps.events.types import Actor
from apps.track.models import Track
from apps.track.services import likes
from tests.factories.auth import client_of, make_user
from tests.patience import PATIENCE_S
from tests.veza.integrations.own_redis import OwnRedis
from veza.kit import caches
from veza.kit.api.caching import PublicAnswers
from veza.kit.metrics import CACHE_REQUESTS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _on(settings: Any, redis_connection: Any) -> None:
    if redis_connection is None:
        pytest.fail("REDIS_URL is not set")
    settings.CACHE_TTL_S = 30


@pytest.fixture
def owner() -> User:
    return make_user(username="mona")


@pytest.fixture
def track(owner: User) -> Track:
    return Track.objects.create(
        owner=owner, title="Dawn", visibility="public", status="ready", duration_ms=1000
    )


@pytest.fixture
def nobody() -> Client:
    return Client()


def path(track: Track) -> str:
    return f"/api/v1/tracks/{track.id}"


def make_metric(owner: User, name: str) -> Any:
    return metrics.create_metric(
        name=name, input_frequency_ns=10**9, actor=Actor(type="user", id=owner.id)
    )


class TestAnswer:
    def test_comes_from_the_cache_the_second_time(self, nobody: Client, track: Track) -> None:
        first, second = nobody.get(path(track)), nobody.get(path(track))

        assert (first["X-Cache"], second["X-Cache"]) == ("miss", "hit")
        assert first.json() == second.json()
        for name in ("Content-Type", "ETag", "Cache-Control", "X-Content-Type-Options"):
            assert first[name] == second[name]
        assert second["Cache-Control"] == "public, no-cache"
        assert {"Authorization", "Cookie"} <= set(second["Vary"].split(", "))
        assert int(second["X-RateLimit-Remaining"]) > 0
        assert second["X-Request-ID"] != first["X-Request-ID"]

    def test_asks_the_database_nothing(
        self, nobody: Client, track: Track, django_assert_num_queries: Any
    ) -> None:
        nobody.get("/api/v1/tracks")
        with django_assert_num_queries(0):
            assert Client().get("/api/v1/tracks")["X-Cache"] == "hit"

    def test_differs_by_address_and_host(self, nobody: Client, track: Track) -> None:
        nobody.get("/api/v1/tracks?limit=1")

        assert nobody.get("/api/v1/tracks?limit=2")["X-Cache"] == "miss"
        other = nobody.get("/api/v1/tracks?limit=1", headers={"Host": "other.example"})
        assert other["X-Cache"] == "miss"
        assert nobody.get("/api/v1/tracks/?limit=1")["X-Cache"] == "hit"

    def test_is_not_sent_to_who_has_it(self, nobody: Client, track: Track) -> None:
        etag = nobody.get(path(track))["ETag"]
        held = nobody.get(path(track), headers={"If-None-Match": etag})
        caches.give_up([f"track:{track.id}"])
        anew = nobody.get(path(track), headers={"If-None-Match": etag})
        whole = nobody.get(path(track))

        assert (held.status_code, held["X-Cache"], held["ETag"]) == (304, "hit", etag)
        assert (anew.status_code, anew["X-Cache"]) == (304, "miss")
        assert (whole.status_code, whole["X-Cache"]) == (200, "hit")

    def test_to_head_is_the_same(self, nobody: Client, track: Track) -> None:
        nobody.get(path(track))

        assert nobody.head(path(track))["X-Cache"] == "hit"

    def test_of_a_failure_is_not_kept(self, nobody: Client) -> None:
        for _ in range(2):
            answer = nobody.get("/api/v1/tracks?limit=x")
            assert (answer.status_code, answer["X-Cache"]) == (400, "miss")
            assert answer["Cache-Control"] == "no-store"

    def test_ends_with_its_time(self, nobody: Client, track: Track, redis_connection: Any) -> None:
        nobody.get(path(track))
        lives = [redis_connection.ttl(key) for key in redis_connection.scan_iter("*:answer:*")]

        assert lives
        assert all(0 < life <= 30 for life in lives)

    def test_is_counted(self, nobody: Client, track: Track) -> None:
        def count(outcome: str) -> float:
            route = "api/v1/tracks/<uuid:track_id>"
            return float(CACHE_REQUESTS.labels(route, outcome)._value.get())

        before = [count(outcome) for outcome in ("hit", "miss")]
        for _ in range(3):
            nobody.get(path(track))

        assert [count(outcome) for outcome in ("hit", "miss")] == [before[0] + 2, before[1] + 1]


class TestCaller:
    def test_who_is_known_gets_his_own(self, nobody: Client, owner: User, track: Track) -> None:
        likes.like(track_id=track.id, user_id=owner.id)
        nobody.get(path(track))

        own = client_of(owner).get(path(track))

        assert (own["X-Cache"], own.json()["liked"]) == ("off", True)
        assert own["Cache-Control"].startswith("private")
        assert nobody.get(path(track)).json()["liked"] is False

    def test_private_things_are_not_kept_for_others(
        self, nobody: Client, owner: User, track: Track
    ) -> None:
        Track.objects.update(visibility="private")

        assert client_of(owner).get(path(track)).status_code == 200
        assert nobody.get(path(track)).status_code == 404

    @pytest.mark.parametrize(
        "headers",
        [{"Authorization": "Bearer x"}, {"Authorization": ""}, {"Cookie": "sessionid=1"},
         {"Accept": "text/html"}],
    )  # fmt: skip
    def test_who_may_be_somebody_gets_nothing_kept(
        self, nobody: Client, track: Track, headers: dict[str, str]
    ) -> None:
        nobody.get("/api/v1/tracks")

        assert nobody.get("/api/v1/tracks", headers=headers)["X-Cache"] == "off"
        assert Client().get("/api/v1/tracks")["X-Cache"] == "hit"


class TestMany:
    CROWD = 50

    @pytest.fixture(autouse=True)
    def _patient(self, settings: Any) -> None:
        """A crowd of threads may take longer for a word with Redis than a request waits for it."""
        options = settings.CACHES["default"]
        patient = {"socket_timeout": PATIENCE_S, "socket_connect_timeout": PATIENCE_S}
        settings.CACHES = {"default": options | {"OPTIONS": options["OPTIONS"] | patient}}

    def test_who_miss_at_once_have_it_made_once(
        self, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_metric(owner, "early")
        monkeypatch.setattr(caches, "WAIT_S", PATIENCE_S)
        list_metrics, look = metric_selectors.list_metrics, caches.look
        have_looked, made = threading.Semaphore(0), []

        def counted(key: str, *, names: Any) -> Any:
            try:
                return look(key, names=names)
            finally:
                have_looked.release()

        def slowly() -> Any:
            made.append(1)
            for _ in range(self.CROWD):  # until everybody has missed
                assert have_looked.acquire(timeout=PATIENCE_S)
            return list(list_metrics())

        monkeypatch.setattr(caches, "look", counted)
        monkeypatch.setattr(metric_selectors, "list_metrics", slowly)
        with ThreadPoolExecutor(self.CROWD) as crowd:
            answers = list(crowd.map(asked, ["/api/v1/metrics"] * self.CROWD))

        assert len(made) == 1
        assert [each["X-Cache"] for each in answers].count("miss") == 1
        assert len({each.content for each in answers}) == 1

    def test_who_missed_before_another_made_it_has_that(
        self, nobody: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between his look and his turn another's turn began and ended."""
        take_turn, made = caches.take_turn, []

        def late(*args: Any, **named: Any) -> Any:
            monkeypatch.undo()
            made.append(nobody.get("/api/v1/metrics")["X-Cache"])
            return take_turn(*args, **named)

        monkeypatch.setattr(caches, "take_turn", late)

        assert nobody.get("/api/v1/metrics")["X-Cache"] == "hit"
        assert made == ["miss"]

    def test_do_not_wait_for_one_that_has_failed_or_takes_long(
        self, nobody: Client, track: Track, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(caches, "WAIT_S", 0.1)
        monkeypatch.setattr(caches, "end_turn", lambda *_: None)  # as if he were still at it
        monkeypatch.setattr(caches, "keep", lambda *_, **__: None)

        assert [nobody.get(path(track))["X-Cache"] for _ in range(2)] == ["miss", "miss"]


def asked(address: str) -> Any:
    """In a thread, with a connection of its own."""
    try:
        return Client().get(address)
    finally:
        connection.close()


class TestFact:
    def test_gives_up_what_it_changes(self, nobody: Client, owner: User, track: Track) -> None:
        addresses = [path(track), "/api/v1/tracks"]
        for address in addresses:
            nobody.get(address)

        client_of(owner).patch(path(track), {"title": "Dusk"}, format="json")

        for address in addresses:
            answer = nobody.get(address)
            assert answer["X-Cache"] == "miss"
            assert b"Dusk" in answer.content

    def test_leaves_the_rest(self, nobody: Client, owner: User, track: Track) -> None:
        other = Track.objects.create(owner=owner, title="Noon", visibility="public", status="ready")
        nobody.get(path(other))

        client_of(owner).patch(path(track), {"title": "Dusk"}, format="json")

        assert nobody.get(path(other))["X-Cache"] == "hit"

    def test_that_comes_while_the_answer_is_made_wins(
        self, nobody: Client, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Read old, fact drops, write old: what was written is never found."""
        list_metrics: Callable[[], Any] = metric_selectors.list_metrics

        def slowly() -> Any:
            found = list(list_metrics())
            monkeypatch.undo()
            make_metric(owner, "late")
            return found

        make_metric(owner, "early")
        monkeypatch.setattr(metric_selectors, "list_metrics", slowly)
        first = nobody.get("/api/v1/metrics")
        second = nobody.get("/api/v1/metrics")

        assert [each["name"] for each in first.json()] == ["early"]
        assert {each["name"] for each in second.json()} == {"early", "late"}
        assert second["X-Cache"] == "miss"

    def test_of_a_transaction_that_fails_gives_up_nothing(
        self, nobody: Client, owner: User
    ) -> None:
        nobody.get("/api/v1/metrics")
        with transaction.atomic():
            make_metric(owner, "never")
            transaction.set_rollback(True)

        assert nobody.get("/api/v1/metrics")["X-Cache"] == "hit"

    def test_lost_generations_lose_answers_and_nothing_else(
        self, nobody: Client, track: Track, redis_connection: Any
    ) -> None:
        nobody.get(path(track))
        for key in redis_connection.scan_iter("*:generation:*"):
            redis_connection.delete(key)

        assert nobody.get(path(track))["X-Cache"] == "miss"
        assert nobody.get(path(track))["X-Cache"] == "hit"


def test_every_fact_that_a_view_waits_for_is_one() -> None:
    known = {fact.name for fact in registry.registered()}
    views = _subclasses(PublicAnswers)
    assert len(views) >= 8
    for view in views:
        assert set(view.kept_until.facts) <= known, view


def _subclasses(cls: type[Any]) -> list[Any]:
    return [each for sub in cls.__subclasses__() for each in (sub, *_subclasses(sub))]


class TestWithoutRedis:
    @pytest.fixture
    def own_redis(self, settings: Any, tmp_path: Path) -> Iterator[OwnRedis]:
        with OwnRedis(tmp_path) as server:
            settings.RATE_LIMIT_PER_MINUTE = 10**6  # until it is back, it is asked without a pause
            default = settings.CACHES["default"]
            soon = {"socket_timeout": 2, "socket_connect_timeout": 2}
            settings.CACHES = {
                "default": default | {"LOCATION": server.url, "OPTIONS": default["OPTIONS"] | soon}
            }
            yield server

    def test_everything_is_answered_soon_and_what_was_owed_is_given_up(
        self, nobody: Client, owner: User, track: Track, own_redis: OwnRedis
    ) -> None:
        assert [nobody.get(path(track))["X-Cache"] for _ in range(2)] == ["miss", "hit"]
        own_redis.freeze()
        started = time.monotonic()
        answers = [nobody.get(path(track)) for _ in range(20)]
        took_s = time.monotonic() - started
        changed = client_of(owner).patch(path(track), {"title": "Dusk"}, format="json")
        own_redis.thaw()

        assert {(each.status_code, each["X-Cache"]) for each in answers} == {(200, "off")}
        assert took_s < 20  # two time-outs of two seconds, and not twenty
        assert changed.status_code == 200
        deadline = time.monotonic() + PATIENCE_S
        while (answer := nobody.get(path(track)))["X-Cache"] == "off":
            assert time.monotonic() < deadline
        assert answer.json()["title"] == "Dusk"
