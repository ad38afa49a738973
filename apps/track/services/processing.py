"""Making a track of a file: scan, probe, measure, transcode, say so. Runs in workers.

Each step asks a port outside any transaction, and then writes. A worker that is killed leaves a
version that is being made; `find_stuck` gives it to another, which begins again. What cannot be
done at present is tried later; nothing is heard before it was scanned.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import structlog
from django.db import connection
from django.db.models import F
from django.utils import timezone

from apps.track.errors import RejectedError
from apps.track.models import TrackVersion
from apps.track.services import history, jobs, stages
from apps.track.services.stages import Made, MadeRendition
from apps.track.types import RejectedCode, Stage, Step, TrackStatus
from veza.integrations.antivirus import ScanCutError, ScanLimitError, antivirus
from veza.integrations.media import MediaInvalidError, Stream, media
from veza.integrations.object_storage import ObjectNotFoundError, object_storage
from veza.integrations.stream_server import stream_server
from veza.kit.errors import StorageFullError, UpstreamError
from veza.kit.pictures import PictureInvalidError, PictureTooLargeError, draw

logger = structlog.get_logger(__name__)

MAX_TRIES = 8
MAX_CUTS = 5
STUCK = timedelta(minutes=20)
ARTWORK_SIZE = (600, 600)
CODEC = "mp4a.40.2"
SCANNED_FIRST = (Stage.UPLOADED, Stage.SCANNING)
LOST, LOST_DETAIL = "worker_lost", "Making the track was cut off again and again."
_LOCK = 7391007  # with the version's own number, one worker at a time


def process(*, version_id: UUID, now: datetime) -> bool:
    """Make the version, or find out why not. False where it has to be tried again later."""
    with _alone(version_id) as is_alone:
        version = TrackVersion.objects.filter(pk=version_id).first()
        if not is_alone or version is None or version.status != TrackStatus.PROCESSING:
            return True
        if version.tries >= _most_tries(version) and version.stage not in SCANNED_FIRST:
            stages.fail(version_id=version_id, code=LOST, detail=LOST_DETAIL)
            return True
        TrackVersion.objects.filter(pk=version_id).update(tries=F("tries") + 1)
        try:
            _make(version, now=now)
        except RejectedError as fault:
            stages.reject(version_id=version_id, code=fault.code, detail=fault.detail)
        except MediaInvalidError as fault:
            stages.reject(version_id=version_id, code=fault.code, detail=str(fault))
        except ScanLimitError as fault:
            stages.fail(version_id=version_id, code=fault.code, detail=str(fault))
        except (UpstreamError, StorageFullError) as fault:
            logger.warning("track_waits", version_id=str(version_id), reason=str(fault))
            return _gave_up(version, fault)
        return True


def find_stuck(*, now: datetime) -> list[UUID]:
    """Versions that have made no progress for STUCK: their worker was killed, or never began.

    Those that the stream server has are looked for in `jobs`.
    """
    stuck = TrackVersion.objects.filter(
        status=TrackStatus.PROCESSING, updated_at__lt=now - STUCK, track__deleted_at__isnull=True,
        job_asked_at__isnull=True,
    )  # fmt: skip
    return list(stuck.order_by("updated_at").values_list("id", flat=True)[:100])


def _gave_up(version: TrackVersion, fault: UpstreamError | StorageFullError) -> bool:
    """A scanner that is away is waited for without end: nothing unscanned is ever served. One that
    hangs up on this file again and again will not scan it.
    """
    if isinstance(fault, ScanCutError):
        stages.note(version, scan_cuts=F("scan_cuts") + 1)
    version.refresh_from_db(fields=["stage", "tries", "scan_cuts", "job_asked_at"])
    if version.stage in SCANNED_FIRST:
        TrackVersion.objects.filter(pk=version.pk).update(tries=0)
        is_over = version.scan_cuts >= MAX_CUTS
    else:
        is_over = version.tries >= _most_tries(version)
    if not is_over:
        return False
    stages.fail(version_id=version.id, code=fault.code, detail=str(fault))
    return True


def _most_tries(version: TrackVersion) -> int:
    """A stream server that is away is waited for longer than a worker is believed to be killed."""
    return jobs.MAX_TRIES if version.job_asked_at else MAX_TRIES


def _make(version: TrackVersion, *, now: datetime) -> None:
    server = stream_server()
    if server and version.stage == Stage.TRANSCODING and version.waveform_key:
        jobs.ask(version, server, now=now)  # only that was missing
        return
    if not stages.enter(version, Stage.SCANNING):
        return
    with history.step(version.pk, Step.SCAN):
        _scan(version)
    with TemporaryDirectory(prefix="veza-track-") as folder:
        source = Path(folder) / "source"
        with history.step(version.pk, Step.FETCH):
            _fetch(version.source_key, source)
        stages.enter(version, Stage.PROBING)
        with history.step(version.pk, Step.PROBE):
            _probe(version, source)
        with history.step(version.pk, Step.MEASURE):
            _measure(version, source)
        stages.enter(version, Stage.TRANSCODING)
        if server:
            stages.note(version, tries=1)  # what follows waits for something else
            jobs.ask(version, server, now=now)
            return
        hls = Path(folder) / "hls"
        with history.step(version.pk, Step.TRANSCODE):
            stream = _transcode(version, source, hls)
        with history.step(version.pk, Step.STORE):
            made = _store(version, stream, hls)
    # When making ended: the hour at which it can be heard.
    stages.finish(version_id=version.id, made=made, now=timezone.now())


def _scan(version: TrackVersion) -> None:
    try:
        with object_storage().open(version.source_key) as stream:
            verdict = antivirus().scan(stream)
    except ObjectNotFoundError:
        raise RejectedError(RejectedCode.CORRUPT, "The file is gone.") from None
    if not verdict.is_clean:
        logger.warning("track_infected", version_id=str(version.id), found=verdict.signature)
        _quarantine(version)
        raise RejectedError(
            RejectedCode.INFECTED, "The file holds malware.", found=verdict.signature
        )


def _quarantine(version: TrackVersion) -> None:
    """Away from all that is served, and kept for operators."""
    storage, key = object_storage(), f"quarantine/{version.id}"
    with storage.open(version.source_key) as stream:
        storage.put(key, stream)
    storage.delete(version.source_key)
    stages.note(version, source_key=key)


def _fetch(key: str, path: Path) -> None:
    with object_storage().open(key) as stream, path.open("wb") as file:
        shutil.copyfileobj(stream, file, 1024 * 1024)


def _probe(version: TrackVersion, source: Path) -> None:
    found = media().probe(source)
    stages.note(
        version,
        codec=found.codec[:40],
        bitrate_bps=found.bit_rate or None,
        sample_rate_hz=found.sample_rate_hz,
        channels=found.channels,
        duration_ms=found.duration_ms,
    )
    stages.name_by_tags(version_id=version.id, tags=found.tags)
    if found.has_artwork:
        _keep_artwork(version, media().artwork(source))


def _keep_artwork(version: TrackVersion, picture: bytes | None) -> None:
    """Drawn anew; a picture that is none is no reason against the track."""
    if not picture:
        return
    try:
        [drawn] = draw(BytesIO(picture), [ARTWORK_SIZE])
    except (PictureInvalidError, PictureTooLargeError):
        return
    key = f"tracks/{version.id}/artwork.webp"
    object_storage().put(key, drawn)
    stages.note(version, artwork_key=key)


def _measure(version: TrackVersion, source: Path) -> None:
    found = media().analyse(source)
    key = f"tracks/{version.id}/waveform.json"
    object_storage().put(key, json.dumps(found.waveform, separators=(",", ":")).encode())
    stages.note(
        version,
        waveform_key=key,
        duration_ms=found.duration_ms,
        loudness_lufs=found.loudness_lufs,
        peak_dbfs=found.true_peak_dbtp,
        bpm=found.tempo.bpm if found.tempo else None,
        musical_key=found.key.name if found.key else "",
    )


def _transcode(version: TrackVersion, source: Path, folder: Path) -> Stream:
    begins, ends = stages.SHARES[Stage.TRANSCODING], 99

    def tell(fraction: float) -> None:
        percent = begins + int((ends - begins) * fraction)
        stages.enter(version, Stage.TRANSCODING, progress=percent)

    folder.mkdir()
    return media().transcode_hls(source, folder, tell)


def _store(version: TrackVersion, stream: Stream, folder: Path) -> Made:
    prefix = f"tracks/{version.id}/hls"
    for name in stream.files:
        with (folder / name).open("rb") as file:
            object_storage().put(f"{prefix}/{name}", file)
    return _made(stream, prefix=prefix, master=(folder / stream.master).read_bytes())


def _made(stream: Stream, *, prefix: str, master: bytes) -> Made:
    return Made(
        hls_prefix=prefix,
        manifest_sha256=hashlib.sha256(master).hexdigest(),
        duration_ms=stream.duration_ms,
        renditions=[
            MadeRendition(
                bitrate_bps=each.bit_rate,
                codec=CODEC,
                size_bytes=each.size_bytes,
                segments=each.segments,
                playlist_sha256=each.playlist_sha256,
            )
            for each in stream.renditions
        ],
    )


@contextmanager
def _alone(version_id: UUID) -> Iterator[bool]:
    """A lock of the session, which ends with a worker that is killed."""
    number = version_id.int & 0x7FFFFFFF
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK, number])
        is_alone = bool(cursor.fetchone()[0])
        try:
            yield is_alone
        finally:
            if is_alone:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK, number])
