"""A service's process from its start to its burial."""

import signal
import sys

from tests.veza.asgi.wire import until
from veza.embedded.child import Child
from veza.embedded.service import Service


def test_one_that_has_just_ended_may_still_be_told_to(tmp_path):
    brief = Service(name="brief", argv=(sys.executable, "-c", ""), log=tmp_path / "log", env={})
    child = Child(brief)
    child.start()
    until(child.has_ended)

    child.signal(signal.SIGTERM)

    assert child.has_ended()
    assert child.bury() == "ended with status 0"
    assert not child.runs
