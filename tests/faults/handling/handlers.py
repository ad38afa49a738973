"""The handler of the tests; it runs in real workers."""

import os
import signal
import time

from django.conf import settings
from django.db import connection

from apps.events import registry
from apps.events.registry import handles
from apps.events.types import Envelope, Retries
from tests.faults.handling.jobs import JobAsked, execute

registry.register(JobAsked)


@handles(
    JobAsked,
    queue=settings.TASK_QUEUES[-1],
    timeout_s=2,
    retries=Retries(first_s=0.2, factor=1.5, longest_s=1),
)
def do_job(fact: JobAsked, envelope: Envelope) -> None:
    """The effect comes first, so that a failure must undo it."""
    execute("INSERT INTO handling_effect (event_id) VALUES (%s)", envelope.id)
    if fact.kind == "slow":
        time.sleep(0.3)
    elif fact.kind != "good" and not _is_repaired():
        _fail(fact.kind)


def _is_repaired() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM handling_repair)")
        return bool(cursor.fetchone()[0])


def _fail(kind: str) -> None:
    match kind:
        case "raise":
            raise ValueError("poison")
        case "exit":
            os._exit(3)
        case "segv":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "hang":
            time.sleep(600)
