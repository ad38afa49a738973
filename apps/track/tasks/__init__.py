"""What workers do for recordings."""

from apps.track.tasks.tracks import process_version, purge_tracks, resume_versions
from apps.track.tasks.uploads import sweep_uploads

__all__ = [
    "process_version",
    "purge_tracks",
    "resume_versions",
    "sweep_uploads",
]
