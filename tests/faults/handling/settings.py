"""The product's settings for its own processes, with the app of the tests and queues of its own."""

import os

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, TASK_QUEUES

QUEUE = os.environ["TEST_QUEUE"]
TASK_QUEUES = (*TASK_QUEUES, QUEUE)
DEAD_LETTER_EXCHANGE = f"{QUEUE}.dlx"
DEAD_LETTER_QUEUE = f"{QUEUE}.dead"
INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.handling.apps.HandlingConfig"]
