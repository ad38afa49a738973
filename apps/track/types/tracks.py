"""The words of tracks that other apps may use too."""

from dataclasses import dataclass

from django.db.models import TextChoices


class Visibility(TextChoices):
    """Who may see a track that is ready: everyone, who has the link, or its owner and editors."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    PRIVATE = "private"


class DownloadRule(TextChoices):
    """Who may download the original besides its owner and editors."""

    NONE = "none"
    EVERYONE = "everyone"


class TrackStatus(TextChoices):
    """Whether a version can be heard. Only `processing` is left again."""

    PROCESSING = "processing"
    READY = "ready"
    REJECTED = "rejected"
    FAILED = "failed"


class Stage(TextChoices):
    """How far the making of a version has come."""

    UPLOADED = "uploaded"
    SCANNING = "scanning"
    PROBING = "probing"
    TRANSCODING = "transcoding"
    READY = "ready"


class RejectedCode(TextChoices):
    """Why a file becomes no track, whatever is tried."""

    INFECTED = "infected"
    NOT_AUDIO = "not_audio"
    CORRUPT = "corrupt"
    TOO_LONG = "too_long"


class AccessState(TextChoices):
    """What a caller may hear."""

    PLAYABLE = "playable"
    PREVIEW = "preview"
    BLOCKED = "blocked"


@dataclass(frozen=True, kw_only=True)
class Access:
    """What a caller may hear, and why not more."""

    state: AccessState
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class TrackTexts:
    """What is told of a track by who uploads it; a missing title falls back on the file."""

    title: str = ""
    artist: str = ""
    album: str = ""
    genre: str = ""
    tags: tuple[str, ...] = ()
    description: str = ""
    license: str = ""
    musical_key: str = ""
    bpm: float | None = None
    visibility: Visibility = Visibility.PRIVATE
