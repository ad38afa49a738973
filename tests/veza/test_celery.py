"""A task through a real broker to a real worker."""

import contextlib
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from celery.result import AsyncResult
from kombu import Connection

from tests.patience import PATIENCE_S
from veza.celery import DEAD, QUEUES, app, task_queue

ROOT = Path(__file__).resolve().parents[2]


class TestApp:
    def test_moves_json_only(self):
        assert app.conf.accept_content == ["json"]
        assert app.conf.task_serializer == "json"

    def test_acknowledges_after_the_work(self):
        assert app.conf.task_acks_late
        assert app.conf.task_reject_on_worker_lost
        assert app.conf.worker_prefetch_multiplier == 1

    def test_ends_a_task_before_the_broker_gives_it_to_another_worker(self):
        half_an_hour = 30 * 60
        assert app.conf.task_soft_time_limit < app.conf.task_time_limit < half_an_hour

    def test_has_the_queues_that_the_worker_takes(self):
        assert [queue.name for queue in app.conf.task_queues] == list(QUEUES)

    def test_confirms_what_it_publishes_to_rabbitmq(self, settings):
        settings.AMQP_URL = "amqp://somewhere"
        arguments = task_queue("default").queue_arguments or {}
        assert arguments["x-queue-type"] == "quorum"
        assert arguments["x-dead-letter-exchange"] == "veza.dlx"


@contextlib.contextmanager
def worker(queue: str, **environment: str) -> Iterator[None]:
    """`manage.py worker` for one queue; it ends by itself on SIGTERM."""
    command = [sys.executable, "manage.py", "worker", "--queues", queue, "--concurrency", "1"]
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "veza.settings", "VEZA_ROLE": "worker"}
    with subprocess.Popen(
        [*command, "--name", queue], cwd=ROOT, env=env | environment, stdout=subprocess.DEVNULL
    ) as process:
        try:
            yield
        finally:
            process.terminate()
            try:
                assert process.wait(timeout=PATIENCE_S) == 0
            finally:
                process.kill()


class TestWorker:
    def test_runs_a_task_that_came_through_redis(self):
        url = os.environ.get("REDIS_URL")
        if not url:
            pytest.skip("REDIS_URL is not set. Run `make test`.")
        queue = f"test-{uuid.uuid4().hex}"
        with worker(queue, AMQP_URL=""):
            assert _ping(url, queue, results=url) == "pong"

    @pytest.mark.needs_rabbitmq
    def test_runs_a_task_that_came_through_rabbitmq(self, settings):
        settings.AMQP_URL = os.environ["AMQP_URL"]
        url, results = os.environ["AMQP_URL"], os.environ.get("REDIS_URL")
        if not results:
            pytest.skip("REDIS_URL is not set. Run `make test`.")
        queue = f"test-{uuid.uuid4().hex}"
        with worker(queue, AMQP_URL=url):
            assert _ping(url, queue, results=results) == "pong"
        with Connection(url) as connection:
            DEAD(connection.default_channel).queue_declare(passive=True)
            task_queue(queue)(connection.default_channel).delete()


def _ping(broker: str, queue: str, *, results: str) -> str:
    """Send a ping as a process of the product would, whatever broker the tests are set up for."""
    sender = Celery("sender", broker=broker, backend=results, set_as_current=False)
    if broker.startswith("amqp"):
        sender.conf.update(
            task_queues=[task_queue(queue)], broker_transport_options={"confirm_publish": True}
        )
    with sender:
        sent: AsyncResult = sender.send_task("veza.celery.ping", queue=queue)
        answer: str = sent.get(timeout=PATIENCE_S)
        sent.forget()
        return answer
