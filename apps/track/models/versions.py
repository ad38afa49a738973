"""Versions: the files that a track was made from, and what became of each."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.track.models.tracks import Track
from apps.track.types import Stage, TrackStatus
from veza.kit.models import Entity


class TrackVersion(Entity):
    """One file of a track. It goes from stage to stage, and ends ready, rejected or failed."""

    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="versions")
    n = models.PositiveIntegerField()
    note = models.CharField(max_length=200, blank=True)
    source_key = models.CharField(max_length=200)
    source_name = models.CharField(max_length=255, blank=True, help_text="As its owner called it")
    size_bytes = models.PositiveBigIntegerField()
    status = models.CharField(
        max_length=12, choices=TrackStatus.choices, default=TrackStatus.PROCESSING
    )
    stage = models.CharField(max_length=12, choices=Stage.choices, default=Stage.UPLOADED)
    progress = models.PositiveSmallIntegerField(default=0, help_text="0 to 100")
    error_code = models.CharField(max_length=40, blank=True)
    error_detail = models.CharField(max_length=300, blank=True)
    tries = models.PositiveSmallIntegerField(default=0, help_text="Since it last was scanned")
    queued_at = models.DateTimeField(default=timezone.now, help_text="When it was asked for last")
    codec = models.CharField(max_length=40, blank=True)
    bitrate_bps = models.PositiveIntegerField(null=True, blank=True)
    sample_rate_hz = models.PositiveIntegerField(null=True, blank=True)
    channels = models.PositiveSmallIntegerField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    loudness_lufs = models.FloatField(null=True, blank=True)
    peak_dbfs = models.FloatField(null=True, blank=True)
    bpm = models.FloatField(null=True, blank=True, help_text="An estimate")
    musical_key = models.CharField(max_length=20, blank=True, help_text="An estimate")
    waveform_key = models.CharField(max_length=200, blank=True)
    artwork_key = models.CharField(max_length=200, blank=True)
    hls_prefix = models.CharField(max_length=200, blank=True)
    manifest_sha256 = models.CharField(max_length=64, blank=True)
    master_url = models.CharField(
        max_length=2000, blank=True, help_text="Where an external stream server serves it"
    )
    job_asked_at = models.DateTimeField(
        null=True, blank=True, help_text="When the stream server was last asked for it"
    )
    job_taken_at = models.DateTimeField(
        null=True, blank=True, help_text="When it last took the job"
    )
    job_asks = models.PositiveSmallIntegerField(default=0, help_text="How often it took the job")
    scan_cuts = models.PositiveSmallIntegerField(
        default=0, help_text="How often the scanner hung up in the middle of the file"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["track", "n"], name="track_version_number"),
            models.CheckConstraint(
                name="track_version_error_when_ended_badly",
                condition=Q(status__in=["processing", "ready"], error_code="")
                | (Q(status__in=["rejected", "failed"]) & ~Q(error_code="")),
            ),
        ]
        indexes = [models.Index(fields=["status", "updated_at"], name="track_version_stuck")]

    def __str__(self) -> str:
        return f"{self.track_id} {self.n}"


class Rendition(models.Model):
    """One quality of a version, as it is streamed."""

    version = models.ForeignKey(TrackVersion, on_delete=models.CASCADE, related_name="renditions")
    bitrate_bps = models.PositiveIntegerField()
    codec = models.CharField(max_length=40)
    size_bytes = models.PositiveBigIntegerField()
    segments = models.PositiveIntegerField()
    playlist_sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "bitrate_bps"], name="rendition_once")
        ]

    def __str__(self) -> str:
        return f"{self.version_id} {self.bitrate_bps}"
