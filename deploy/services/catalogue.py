"""What tests need, in the order in which it is looked for."""

from deploy.services import (
    chromium,
    clamav_testfiles,
    clamd,
    nats,
    nginx,
    postgres,
    promtool,
    rabbitmq,
    redis,
)

SERVICES = (
    postgres.SERVICE,
    redis.SERVICE,
    rabbitmq.SERVICE,
    nats.SERVICE,
    clamd.SERVICE,
    clamav_testfiles.SERVICE,
    chromium.SERVICE,
    nginx.SERVICE,
    promtool.SERVICE,
)
