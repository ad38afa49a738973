import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule

from tests.veza.kit.conftest import assert_problem
from veza.kit.idempotency import purge_idempotency_keys
from veza.kit.models import IdempotencyKey

URL = "/api/v1/intervals"


def post(client: Client, data: Any, key: str = "a key", url: str = URL, **extra: Any) -> Any:
    return client.post(
        url, data, content_type="application/json", headers={"idempotency-key": key}, **extra
    )


@pytest.mark.django_db
class TestTheSameKey:
    @pytest.mark.parametrize("url", [URL, "/api/v1/interval-set"])
    def test_has_one_effect_and_one_answer(self, client: Client, url: str) -> None:
        first, second = (post(client, {"every": 3}, url=url) for _ in range(2))
        assert IntervalSchedule.objects.count() == 1
        assert first.status_code == second.status_code == 201
        assert first.content == second.content
        assert first.get("Location") == second.get("Location")
        assert first["Content-Type"] == second["Content-Type"] == "application/json"
        assert "Idempotent-Replayed" not in first
        assert second["Idempotent-Replayed"] == "true"

    def test_takes_the_same_body_in_another_spelling(self, client: Client) -> None:
        post(client, b'{"every": 3, "then": "stop"}')
        again = post(client, b' {"then":"stop",\n"every":3}')
        assert again["Idempotent-Replayed"] == "true"

    @pytest.mark.parametrize(
        ("data", "url"),
        [({"every": 4}, URL), ({"every": 3}, URL + "?a=1"), ({"every": 3}, "/api/v1/interval-set")],
    )
    def test_is_refused_for_another_request(self, client: Client, data: Any, url: str) -> None:
        post(client, {"every": 3})
        assert_problem(post(client, data, url=url), 422, "idempotency_key_reused")
        assert IntervalSchedule.objects.count() == 1

    def test_knows_an_upload_by_its_bytes(self, client: Client) -> None:
        def upload(content: bytes) -> Any:
            file = SimpleUploadedFile("a.wav", content)
            return client.post(
                "/api/v1/interval-set",
                {"file": file, "title": "A"},
                headers={"idempotency-key": "a key"},
            )

        assert upload(b"one").status_code == 201
        assert upload(b"one")["Idempotent-Replayed"] == "true"
        assert_problem(upload(b"two"), 422, "idempotency_key_reused")

    def test_of_somebody_else_is_another_key(self, client: Client) -> None:
        post(client, {"every": 3})
        other = post(client, {"every": 3}, REMOTE_ADDR="192.0.2.7")
        assert "Idempotent-Replayed" not in other
        assert IntervalSchedule.objects.count() == 2

    def test_keeps_a_conflict_but_not_its_effects(self, client: Client) -> None:
        first, second = (post(client, {"every": 3, "then": "conflict"}) for _ in range(2))
        assert_problem(first, 409, "conflict")
        assert second.status_code == 409
        assert second["Content-Type"] == "application/problem+json"
        assert second["Idempotent-Replayed"] == "true"
        assert not IntervalSchedule.objects.exists()

    @pytest.mark.parametrize(
        ("data", "status"),
        [
            ({"every": 0}, 400),
            ({"every": 3, "then": "invalid"}, 400),
            ({"every": 3, "then": "bug"}, 500),
        ],
    )
    def test_is_free_again_after_a_failure_that_may_pass(
        self, client: Client, data: Any, status: int
    ) -> None:
        assert post(client, data).status_code == status
        assert not IntervalSchedule.objects.exists()
        assert post(client, {"every": 5}).status_code == 201

    @pytest.mark.parametrize("key", ["", " ", "x" * 256, "é", "a\tb"])
    def test_has_to_be_one(self, client: Client, key: str) -> None:
        response = post(client, {"every": 3}, key=key)
        assert_problem(response, 400, "idempotency_key_invalid")

    def test_is_kept_for_a_day(self, client: Client) -> None:
        post(client, {"every": 3})
        now = timezone.now()
        assert purge_idempotency_keys(now=now + timedelta(hours=23, minutes=59)) == 0
        IdempotencyKey.objects.update(created_at=now - timedelta(hours=24, seconds=1))
        assert "Idempotent-Replayed" not in post(client, {"every": 4})
        assert purge_idempotency_keys(now=now + timedelta(hours=25)) == 1

    def test_is_stored_without_what_was_said(self, client: Client) -> None:
        post(client, {"every": 3})
        row = IdempotencyKey.objects.get()
        assert "201" not in row.answer
        assert len(row.request_hash) == 64


def test_a_post_without_key_is_done_each_time(client: Client, db: None) -> None:
    for _ in range(2):
        client.post(URL, {"every": 3}, content_type="application/json")
    assert IntervalSchedule.objects.count() == 2


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_fifty_by_sixteen_threads_have_one_effect(self, client: Client) -> None:
        def once(_: int) -> Any:
            try:
                return post(client, {"every": 3, "then": "sleep"})
            finally:
                connection.close()

        with ThreadPoolExecutor(16) as threads:
            answers = list(threads.map(once, range(50)))
        assert IntervalSchedule.objects.count() == 1
        made = [answer for answer in answers if answer.status_code == 201]
        assert len({answer.content for answer in made}) == 1
        assert sum("Idempotent-Replayed" not in answer for answer in made) == 1
        for answer in answers:
            if answer.status_code != 201:
                assert_problem(answer, 409, "idempotency_key_in_use")
                assert answer["Retry-After"] == "1"

    def test_the_key_of_a_killed_process_is_free(self, client: Client) -> None:
        with subprocess.Popen(
            [sys.executable, "-c", HOLDER, _database_name()],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        ) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "holding\n"
            assert_problem(post(client, {"every": 3}), 409, "idempotency_key_in_use")
            holder.send_signal(signal.SIGKILL)
            holder.wait()
        _wait_until_no_lock_is_held()
        assert post(client, {"every": 3}).status_code == 201
        assert IntervalSchedule.objects.count() == 1


HOLDER = """
import sys, time, django
from django.conf import settings
django.setup()
settings.DATABASES["default"]["NAME"] = sys.argv[1]
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule
from veza.kit.idempotency import answer_once

def hold():
    IntervalSchedule.objects.create(every=9, period="days")
    print("holding", flush=True)
    time.sleep(60)

answer_once(scope="address:127.0.0.1", key="a key", request_hash="x", now=timezone.now(),
            run=hold, is_kept=lambda answer: True)
"""


def _database_name() -> str:
    return str(connection.settings_dict["NAME"])


def _wait_until_no_lock_is_held() -> None:
    """The server notices that the process is gone; the lock goes with its connection."""
    with connection.cursor() as cursor:
        for _ in range(200):
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database ="
                " (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            if cursor.fetchone()[0] == 0:
                return
            cursor.execute("SELECT pg_sleep(0.05)")
