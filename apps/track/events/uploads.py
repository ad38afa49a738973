"""Facts about uploads."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from apps.events.types import Fact


@dataclass(frozen=True, kw_only=True)
class UploadFinished(Fact):
    """The bytes lie in the storage as one object. Name and type are what the sender claims."""

    name: ClassVar = "upload.finished"
    about: ClassVar = "All bytes of an upload have arrived."
    example: ClassVar = {
        "size_bytes": 5_242_880,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "filename": "night train.flac",
        "content_type": "audio/flac",
    }

    upload_id: UUID
    user_id: UUID
    size_bytes: int
    sha256: str
    filename: str
    content_type: str
