"""The text of /metrics: what all processes have counted, and what is only known when asked."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import amqp
from django.conf import settings
from django.db import connection
from django.utils import timezone
from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    REGISTRY,
    CollectorRegistry,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from apps.auth.selectors.audit import last_audit_check
from apps.datastream.selectors.road import ProjectorStatus, projector_status
from apps.events import selectors as event_selectors
from apps.events.types import CaptureStatus, DispatchStatus, RelayStatus
from apps.track.selectors.making import Waiting, waiting_by_stage
from apps.track.types import Stage
from veza.celery import QUEUES
from veza.health.dependencies import open_amqp, open_redis
from veza.integrations.antivirus import AntivirusUnavailableError, antivirus
from veza.kit.probes import Probe

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
TIMEOUT_S = 0.8
MAX_AGE_S = 1.0


def _read_relay() -> RelayStatus:
    try:
        return event_selectors.relay_status()
    finally:
        connection.close()


def _read_dispatch() -> DispatchStatus:
    try:
        return event_selectors.dispatch_status()
    finally:
        connection.close()


def _read_capture() -> CaptureStatus:
    try:
        return event_selectors.capture_status()
    finally:
        connection.close()


def _read_projector() -> ProjectorStatus | None:
    """None where nothing was projected ever."""
    try:
        status = projector_status(now=timezone.now())
    finally:
        connection.close()
    return status if status.epoch else None


def _read_audit() -> bool | None:
    """Whether the audit log was found broken; None before the first look."""
    try:
        check = last_audit_check()
    finally:
        connection.close()
    return bool(check.fault) if check else None


def _read_tracks() -> dict[Stage, Waiting]:
    try:
        return waiting_by_stage(now=timezone.now())
    finally:
        connection.close()


def _read_scanner() -> bool:
    """Whether the scanner answers."""
    try:
        return bool(antivirus().version())
    except AntivirusUnavailableError:
        return False


def _read_queues() -> dict[str, int]:
    """How many tasks wait in each queue. A queue that nobody has declared yet holds none."""
    if settings.AMQP_URL:
        with open_amqp(settings.AMQP_URL) as broker:
            return {queue: _rabbitmq_depth(broker, queue) for queue in QUEUES}
    if not settings.REDIS_URL:
        return {}
    with open_redis(settings.REDIS_URL) as client:
        pipeline = client.pipeline(transaction=False)
        for queue in QUEUES:
            pipeline.llen(queue)
        return dict(zip(QUEUES, pipeline.execute(), strict=True))


def _rabbitmq_depth(broker: Any, queue: str) -> int:
    channel = broker.channel()  # its own: RabbitMQ closes the channel of a failed declaration
    try:
        return int(channel.queue_declare(queue, passive=True).message_count)
    except amqp.NotFound:
        return 0
    finally:
        channel.close()


_relay = Probe(_read_relay, timeout_s=TIMEOUT_S, max_age_s=MAX_AGE_S)
_dispatch = Probe(_read_dispatch, timeout_s=TIMEOUT_S, max_age_s=MAX_AGE_S)
_capture = Probe(_read_capture, timeout_s=TIMEOUT_S, max_age_s=MAX_AGE_S)
_projector = Probe(_read_projector, timeout_s=TIMEOUT_S, max_age_s=MAX_AGE_S)
_audit = Probe(_read_audit, timeout_s=TIMEOUT_S, max_age_s=MAX_AGE_S)
_tracks = Probe(_read_tracks, timeout_s=TIMEOUT_S, max_age_s=MAX_AGE_S)
_scanner = Probe(_read_scanner, timeout_s=TIMEOUT_S, max_age_s=MAX_AGE_S)
_queues = Probe(_read_queues, timeout_s=TIMEOUT_S, max_age_s=MAX_AGE_S)


_PROBES: tuple[Probe[Any], ...] = (
    _relay, _dispatch, _capture, _projector, _audit, _tracks, _scanner, _queues,
)  # fmt: skip


class _OnDemand(Collector):
    """Metrics of the whole platform: read when asked, and left out when they cannot be read."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for probe in _PROBES:
            probe.begin()
        relay, dispatch = _relay.read().value, _dispatch.read().value
        if relay is not None:
            yield from _relay_families(relay)
        if dispatch is not None:
            yield from _dispatch_families(dispatch)
        yield from _road_families(_capture.read().value, _projector.read().value)
        is_broken = _audit.read().value
        if is_broken is not None:
            yield GaugeMetricFamily(
                "veza_audit_broken", "1 when the last look found it broken", value=is_broken
            )
        yield from _track_families(_tracks.read().value or {})
        is_up = _scanner.read().value
        if is_up is not None:
            yield GaugeMetricFamily("veza_antivirus_up", "1 while the scanner answers", value=is_up)
        waiting = GaugeMetricFamily("veza_queue_depth", "Tasks that wait", labels=["queue"])
        for queue, depth in (_queues.read().value or {}).items():
            waiting.add_metric([queue], depth)
        yield waiting


def _relay_families(relay: RelayStatus) -> Iterator[GaugeMetricFamily]:
    yield GaugeMetricFamily(
        "veza_relay_lag_seconds",
        "How long the facts that a relay moved last had waited",
        value=relay.lag_s,
    )
    yield GaugeMetricFamily(
        "veza_outbox_oldest_seconds",
        "Age of the oldest fact that no relay has moved yet",
        value=relay.oldest_unsent_s,
    )
    yield GaugeMetricFamily(
        "veza_relay_up", "1 while a relay reports that it lives", value=relay.state != "down"
    )


def _road_families(
    capture: CaptureStatus | None, projector: ProjectorStatus | None
) -> Iterator[GaugeMetricFamily]:
    if capture is not None and capture.state != "off":
        yield from _capture_families(capture)
    if projector is not None:
        yield GaugeMetricFamily(
            "veza_projector_lag_seconds",
            "Age of the oldest captured change that is not projected",
            value=projector.lag_s,
        )


def _capture_families(capture: CaptureStatus) -> Iterator[GaugeMetricFamily]:
    yield GaugeMetricFamily(
        "veza_capture_up",
        "1 while somebody reads the slot",
        value=capture.active_pid is not None,
    )
    yield GaugeMetricFamily(
        "veza_capture_slot_lost",
        "1 when PostgreSQL has thrown away what the slot should deliver",
        value=capture.wal_status == "lost",
    )
    yield GaugeMetricFamily(
        "veza_capture_unreadable",
        "1 while a change that cannot be decoded stands in the way of all that follow",
        value=bool(capture.unreadable),
    )
    yield GaugeMetricFamily(
        "veza_capture_skipped_changes",
        "Changes that operators have had skipped, ever",
        value=capture.skipped,
    )
    yield GaugeMetricFamily(
        "veza_capture_lag_bytes", "What PostgreSQL keeps for the slot", value=capture.lag_bytes
    )
    yield GaugeMetricFamily(
        "veza_capture_lag_seconds",
        "How long the newest that was confirmed had been in PostgreSQL's log",
        value=capture.lag_s,
    )
    if capture.safe_bytes is not None:
        yield GaugeMetricFamily(
            "veza_capture_safe_bytes",
            "What may still be written before the slot is lost",
            value=capture.safe_bytes,
        )


def _dispatch_families(dispatch: DispatchStatus) -> Iterator[GaugeMetricFamily]:
    yield GaugeMetricFamily(
        "veza_dispatch_lag_seconds",
        "How long the oldest delivery that is due has waited to be sent to its queue",
        value=dispatch.lag_s,
    )
    yield GaugeMetricFamily(
        "veza_deliveries_outstanding",
        "Deliveries to handlers that are neither done nor given up",
        value=dispatch.outstanding,
    )
    dead = GaugeMetricFamily(
        "veza_dead_letters", "What was given up and not sent again", labels=["queue"]
    )
    for queue in sorted({*QUEUES, *dispatch.dead_letters}):
        dead.add_metric([queue], dispatch.dead_letters.get(queue, 0))
    yield dead


def _track_families(stages: Mapping[Stage, Waiting]) -> Iterator[GaugeMetricFamily]:
    count = GaugeMetricFamily(
        "veza_track_versions_making", "Versions of tracks that are being made", labels=["stage"]
    )
    oldest = GaugeMetricFamily(
        "veza_track_oldest_seconds",
        "For how long the oldest version at this stage has been made",
        labels=["stage"],
    )
    for stage, waiting in stages.items():
        count.add_metric([stage], waiting.count)
        oldest.add_metric([stage], waiting.oldest_s)
    yield count
    yield oldest


def exposition() -> bytes:
    """All metrics in Prometheus' text format."""
    asked = CollectorRegistry()
    asked.register(_OnDemand())
    return generate_latest(_counted()) + generate_latest(asked)


def _counted() -> CollectorRegistry:
    """The sum of all processes if they have a directory for it, else what this one has counted."""
    directory: Path | None = settings.PROMETHEUS_MULTIPROC_DIR
    if directory is None:
        return REGISTRY
    _forget_the_dead(directory)
    registry = CollectorRegistry()
    collector: Any = multiprocess.MultiProcessCollector
    collector(registry, str(directory))
    return registry


def _forget_the_dead(directory: Path) -> None:
    """Gauges of processes that are gone no longer count; what they counted up does."""
    forget: Any = multiprocess.mark_process_dead
    for pid in {path.stem.rpartition("_")[2] for path in directory.glob("gauge_live*_*.db")}:
        if pid.isdecimal() and not _is_alive(int(pid)):
            forget(int(pid), str(directory))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
