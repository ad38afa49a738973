"""Audio by FFmpeg (PyAV's own build) in a process for each job, with limits: the adapter in use."""

import base64
from pathlib import Path
from typing import Any

from veza.integrations.media.answers import analysis_from, stream_from
from veza.integrations.media.folders import emptied_on_failure
from veza.integrations.media.port import (
    KILOBITS,
    PREVIEW_KILOBITS,
    Analysis,
    Probe,
    Progress,
    Stream,
)
from veza.integrations.media.process import run


class ChildProcessMedia:
    """MEDIA_TIMEOUT_S, MEDIA_MEMORY_BYTES and MEDIA_MAX_DURATION_S bound every job."""

    def probe(self, path: Path) -> Probe:
        return Probe(**run("probe", path, progress=_unheard))

    def analyse(self, path: Path) -> Analysis:
        return analysis_from(run("analyse", path, progress=_unheard))

    def artwork(self, path: Path) -> bytes | None:
        content = run("artwork", path, progress=_unheard)
        return None if content is None else base64.b64decode(content)

    def transcode_hls(self, path: Path, folder: Path, progress: Progress) -> Stream:
        return _written(path, folder, progress, kilobits=KILOBITS)

    def preview(self, path: Path, folder: Path, *, seconds: int = 30) -> Stream:
        return _written(path, folder, _unheard, kilobits=PREVIEW_KILOBITS, seconds=seconds)


def _written(path: Path, folder: Path, progress: Progress, **options: Any) -> Stream:
    place = folder.resolve()
    with emptied_on_failure(place):
        return stream_from(run("transcode", path, progress=progress, folder=str(place), **options))


def _unheard(fraction: float) -> None:
    """Nobody waits for these."""
