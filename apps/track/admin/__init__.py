"""Operators look here: tracks with how they were made, and uploads on their way."""

from apps.track.admin.tracks import TrackAdmin
from apps.track.admin.uploads import UploadAdmin

__all__ = ["TrackAdmin", "UploadAdmin"]
