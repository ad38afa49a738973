"""A task that kills its worker, as a fault in a library would."""

import os
import signal

from celery import shared_task


@shared_task(name="handling.die")
def die(*, number: int) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)
