"""What tests need, in the order in which it is looked for."""

from deploy.services import chromium, clamd, nats, nginx, postgres, promtool, rabbitmq, redis

SERVICES = (
    postgres.SERVICE,
    redis.SERVICE,
    rabbitmq.SERVICE,
    nats.SERVICE,
    clamd.SERVICE,
    chromium.SERVICE,
    nginx.SERVICE,
    promtool.SERVICE,
)
