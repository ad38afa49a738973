"""Whether this process is on its way out."""

import threading

_stopping = threading.Event()


def begin_to_stop() -> None:
    """From now on the process is not ready: it finishes what it has, and takes nothing for long."""
    _stopping.set()


def is_stopping() -> bool:
    """True after SIGTERM; readiness checks answer 503 then."""
    return _stopping.is_set()
