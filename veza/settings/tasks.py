"""Celery: queues, routes and the timetable stand in veza/celery.py."""

from veza.config import config
from veza.settings.servers import AMQP_URL, REDIS_URL

TASK_QUEUES: tuple[str, ...] = ("default", "media", "webhooks", "push")
DEAD_LETTER_EXCHANGE = "veza.dlx"
DEAD_LETTER_QUEUE = "veza.dead"
CELERY_BROKER_URL = AMQP_URL or REDIS_URL or "redis://127.0.0.1:1/0"
CELERY_RESULT_BACKEND = REDIS_URL or None
CELERY_RESULT_EXPIRES = 3600
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = CELERY_RESULT_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_CONCURRENCY = config.worker_processes
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# Shorter than RabbitMQ's consumer_timeout and Redis's visibility_timeout, both 30 minutes:
# past those the broker would hand a task that still runs to a second worker.
CELERY_TASK_SOFT_TIME_LIMIT = 24 * 60
CELERY_TASK_TIME_LIMIT = 25 * 60
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"confirm_publish": True}
    if AMQP_URL
    else {
        "visibility_timeout": 30 * 60,
        "unacked_restore_interval": 2,
        "unacked_restore_throttle": 1,
    }
)
CELERY_BEAT_SCHEDULER = "veza.kit.beat:SharedScheduler"
