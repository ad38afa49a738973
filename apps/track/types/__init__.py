"""The words of tracks that other apps may use too."""

from apps.track.types.shown import PlaylistCard, TrackCard, TrackStats
from apps.track.types.steps import LastStep, Making, Step, StepResult, Takers, TrackPermission
from apps.track.types.tracks import (
    Access,
    AccessState,
    DownloadRule,
    RejectedCode,
    Stage,
    TrackStatus,
    TrackTexts,
    Visibility,
)
from apps.track.types.uploads import Metadata, UploadState

__all__ = [
    "Access",
    "AccessState",
    "DownloadRule",
    "LastStep",
    "Making",
    "Metadata",
    "PlaylistCard",
    "RejectedCode",
    "Stage",
    "Step",
    "StepResult",
    "Takers",
    "TrackCard",
    "TrackPermission",
    "TrackStats",
    "TrackStatus",
    "TrackTexts",
    "UploadState",
    "Visibility",
]
