"""Files on their way to us."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.track.types.uploads import UploadState
from veza.kit.models import Entity


class Upload(Entity):
    """A file that arrives in pieces, until a track is made of it or its time is over.

    `offset_bytes` is what is surely stored: it is written after the bytes, by the one request that
    is `writer`. The lease of a writer that was killed runs out; all times of leases are those of
    the database's clock, so that machines need not agree on theirs. A writer that ended in good
    order leaves null; one that was given up leaves a lease that is over, and its last piece is not
    written on.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    state = models.CharField(
        max_length=10, choices=UploadState.choices, default=UploadState.RECEIVING
    )
    size_bytes = models.BigIntegerField()
    offset_bytes = models.BigIntegerField(default=0)
    metadata = models.TextField(blank=True, help_text="Upload-Metadata as it was sent")
    filename = models.CharField(max_length=255, blank=True, help_text="As the sender calls it")
    content_type = models.CharField(max_length=127, blank=True, help_text="As the sender claims")
    sha256 = models.CharField(max_length=64, blank=True, help_text="Of the whole, once finished")
    key = models.CharField(max_length=200, help_text="Of the object, which is there once finished")
    ref = models.CharField(max_length=1024, blank=True, help_text="The storage's own name for it")
    pieces = models.JSONField(default=list, help_text="[[number, size in bytes, etag], ...]")
    part_size_bytes = models.BigIntegerField(
        null=True, blank=True, help_text="Set where the sender brings it to the storage himself"
    )
    next_piece = models.PositiveIntegerField(default=1)
    writer = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    wanted_at = models.DateTimeField(null=True, blank=True, help_text="Another would like to write")
    expires_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(size_bytes__gte=0)
                & Q(offset_bytes__gte=0)
                & Q(offset_bytes__lte=F("size_bytes")),
                name="upload_offset_within_size",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[UploadState.RECEIVING, UploadState.EXPIRED])
                | Q(offset_bytes=F("size_bytes"), finished_at__isnull=False),
                name="upload_finished_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "state"], name="upload_by_user"),
            models.Index(fields=["expires_at"], name="upload_by_expiry"),
            models.Index(
                fields=["writer"], name="upload_by_writer", condition=Q(writer__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"upload {self.id}"
