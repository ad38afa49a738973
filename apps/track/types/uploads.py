"""The words of uploads."""

from dataclasses import dataclass

from django.db.models import TextChoices


class UploadState(TextChoices):
    """From the first byte to the track that is made of it, or to its end without one."""

    RECEIVING = "receiving"
    FINISHED = "finished"
    USED = "used"
    EXPIRED = "expired"


@dataclass(frozen=True, kw_only=True, slots=True)
class Metadata:
    """What the sender says of his file; `raw` is the header as it came, which he gets back."""

    raw: str = ""
    filename: str = ""
    content_type: str = ""
