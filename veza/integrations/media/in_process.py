"""The same work in this process, without limits: for tests, which trust the files they made."""

from dataclasses import replace
from pathlib import Path

from django.conf import settings

from veza.integrations.media.folders import emptied_on_failure
from veza.integrations.media.port import (
    KILOBITS,
    PREVIEW_KILOBITS,
    Analysis,
    Probe,
    Progress,
    Stream,
)
from veza.integrations.media.work import analysis, facts, hls
from veza.integrations.media.work.source import Terms


class InProcessMedia:
    """Quick to start, and nothing for files of strangers: one of them may end the process."""

    def probe(self, path: Path) -> Probe:
        with path.open("rb") as file:
            return facts.probe(file, _terms())

    def analyse(self, path: Path) -> Analysis:
        with path.open("rb") as file:
            return analysis.analyse(file, _terms())

    def artwork(self, path: Path) -> bytes | None:
        with path.open("rb") as file:
            return facts.artwork(file, _terms())

    def transcode_hls(self, path: Path, folder: Path, progress: Progress) -> Stream:
        terms = replace(_terms(), progress=lambda fraction: progress(min(fraction, 0.99)))
        with path.open("rb") as file, emptied_on_failure(folder):
            stream = hls.transcode(file, terms, folder=folder, kilobits=KILOBITS)
        progress(1.0)
        return stream

    def preview(self, path: Path, folder: Path, *, seconds: int = 30) -> Stream:
        with path.open("rb") as file, emptied_on_failure(folder):
            return hls.transcode(
                file, _terms(), folder=folder, kilobits=PREVIEW_KILOBITS, seconds=seconds
            )


def _terms() -> Terms:
    return Terms(max_duration_s=settings.MEDIA_MAX_DURATION_S)
