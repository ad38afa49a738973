"""Reading, measuring and converting audio: the port. The adapter is MEDIA_BACKEND's."""

from veza.integrations.media.port import (
    Analysis,
    CorruptError,
    Media,
    MediaInvalidError,
    MediaUnavailableError,
    MusicalKey,
    NotAudioError,
    Probe,
    Progress,
    Rendition,
    Stream,
    Tempo,
    TooLongError,
)
from veza.kit.backends import backend

__all__ = [
    "Analysis",
    "CorruptError",
    "Media",
    "MediaInvalidError",
    "MediaUnavailableError",
    "MusicalKey",
    "NotAudioError",
    "Probe",
    "Progress",
    "Rendition",
    "Stream",
    "Tempo",
    "TooLongError",
    "media",
]


def media() -> Media:
    """What this installation processes audio with."""
    adapter: Media = backend("MEDIA_BACKEND")
    return adapter
