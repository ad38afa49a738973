"""The product's settings for a beat of the tests: a queue of its own, and a clock that is wrong."""

import os
from datetime import UTC, datetime, timedelta

import time_machine

from tests.settings import *  # noqa: F403
from tests.settings import TASK_QUEUES as _QUEUES

TASK_QUEUES = (os.environ["TEST_QUEUE"], *_QUEUES)

if _AHEAD_S := int(os.environ.get("TEST_CLOCK_AHEAD_S", "0")):
    time_machine.travel(datetime.now(UTC) + timedelta(seconds=_AHEAD_S)).start()
