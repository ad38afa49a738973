"""Celery: which queues exist, which task goes where, and the timetable.

RabbitMQ carries the queues when AMQP_URL is set, else Redis or Valkey. A task is acknowledged
after its work, so it must bear being run again. Redis can lose one that a worker was just taking
when it was killed; RabbitMQ cannot.
"""

from typing import Any

from celery import Celery, bootsteps
from celery.schedules import crontab
from celery.signals import worker_process_init
from celery.worker.consumer import Consumer
from django.conf import settings
from django.utils import timezone
from kombu import Exchange, Queue

from veza.embedded import state
from veza.embedded.launch import end_with_parent
from veza.kit.idempotency import purge_idempotency_keys
from veza.kit.signing import purge_nonces

QUEUES: tuple[str, ...] = settings.TASK_QUEUES
DELIVERY_LIMIT = 5
MESSAGE_TTL_MS = 3 * 24 * 3600 * 1000
MAX_QUEUE_LENGTH = 200_000
TRIM_EVERY_S = 300

# A topic exchange, because RabbitMQ's delayed delivery drops delayed tasks on a direct one.
TASKS = Exchange("veza.tasks", type="topic")
# What RabbitMQ gives up; a relay takes it from there and writes it down where operators see it.
DEAD_LETTERS = Exchange(settings.DEAD_LETTER_EXCHANGE, type="fanout")
DEAD = Queue(settings.DEAD_LETTER_QUEUE, DEAD_LETTERS, queue_arguments={"x-queue-type": "quorum"})
QUORUM = {
    "x-queue-type": "quorum",
    "x-delivery-limit": DELIVERY_LIMIT,
    "x-dead-letter-exchange": DEAD_LETTERS.name,
    "x-dead-letter-strategy": "at-least-once",
    # A full queue refuses: the sender waits, and nothing that was taken is dropped.
    "x-max-length": MAX_QUEUE_LENGTH,
    "x-overflow": "reject-publish",
    "x-message-ttl": MESSAGE_TTL_MS,
}


def task_queue(name: str) -> Queue:
    """A queue for tasks; on RabbitMQ a quorum queue that passes poison on to veza.dead."""
    arguments = QUORUM if settings.AMQP_URL else None
    return Queue(name, TASKS, routing_key=name, queue_arguments=arguments)


class DeclareDeadLetters(bootsteps.StartStopStep):
    """Makes the place for poison before any task is taken; without it RabbitMQ drops them."""

    requires = ("celery.worker.consumer.connection:Connection",)

    def start(self, parent: Consumer) -> None:
        if settings.AMQP_URL:
            with parent.app.connection_for_write() as connection:
                DEAD(connection.default_channel).declare()


def restore_unacknowledged() -> None:
    """Put back at once what a killed worker held, where ours is the only worker: embedded Valkey.

    Elsewhere Redis does so when the visibility timeout is over, and RabbitMQ by itself.
    """
    port = state.service_port(settings.DATA_DIR, "valkey")
    if not port or f"redis://127.0.0.1:{port}/0" != settings.CELERY_BROKER_URL:
        return
    with app.connection_for_write() as connection:
        channel: Any = connection.default_channel  # of the Redis transport
        for tag in channel.client.hkeys(channel.unacked_key):
            channel.qos.restore_by_tag(tag.decode(), leftmost=True)


app = Celery("veza")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_queues=[task_queue(name) for name in QUEUES],
    task_default_queue=QUEUES[0],
    task_default_exchange=TASKS.name,
    task_default_exchange_type=TASKS.type,
    task_default_routing_key=QUEUES[0],
    task_routes={"track.process": {"queue": "media"}},
    beat_schedule={
        "purge-idempotency-keys": {
            "task": "veza.celery.purge_idempotency_keys",
            "schedule": crontab(minute="17"),
        },
        "purge-nonces": {
            "task": "veza.celery.purge_nonces",
            "schedule": crontab(minute="*/10"),
        },
        "trim-events": {"task": "events.trim", "schedule": TRIM_EVERY_S},
        "trim-readings": {"task": "datastream.trim_readings", "schedule": crontab(minute="23")},
        "refresh-rollups": {"task": "analytics.refresh", "schedule": crontab()},
        "trim-listening": {"task": "analytics.trim", "schedule": crontab(minute="29")},
        "resume-exports": {"task": "accounts.resume_exports", "schedule": crontab(minute="*/5")},
        "erase-due": {"task": "accounts.erase_due", "schedule": crontab(minute="37")},
        "purge-tracks": {"task": "track.purge", "schedule": crontab(hour="4", minute="11")},
        "resume-tracks": {"task": "track.resume", "schedule": crontab(minute="*/5")},
        "sweep-uploads": {"task": "track.sweep_uploads", "schedule": crontab(minute="*/10")},
        "check-audit": {"task": "accounts.check_audit", "schedule": crontab(hour="3", minute="41")},
        "sweep-pictures": {
            "task": "accounts.sweep_pictures",
            "schedule": crontab(hour="4", minute="11"),
        },
    },
)
app.steps["consumer"].add(DeclareDeadLetters)
app.autodiscover_tasks()


@app.task(name="veza.celery.ping", ignore_result=False)
def ping() -> str:
    """Answers `pong`: proof that a worker takes tasks from the broker."""
    return "pong"


@app.task(name="veza.celery.purge_idempotency_keys")
def forget_idempotency_keys() -> int:
    """Every hour; answers are kept for 24."""
    return purge_idempotency_keys(now=timezone.now())


@app.task(name="veza.celery.purge_nonces")
def forget_nonces() -> int:
    """Every ten minutes; those of the last ten are needed."""
    return purge_nonces(now=timezone.now())


@worker_process_init.connect
def _leave_no_orphan(**_: Any) -> None:
    end_with_parent()
