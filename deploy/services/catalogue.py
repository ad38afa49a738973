"""The five services, in the order in which they are looked for."""

from deploy.services import clamd, nats, postgres, rabbitmq, redis

SERVICES = (
    postgres.SERVICE,
    redis.SERVICE,
    rabbitmq.SERVICE,
    nats.SERVICE,
    clamd.SERVICE,
)
