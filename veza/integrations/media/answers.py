"""Answers of a worker, from JSON to the words of the port."""

from typing import Any

from veza.integrations.media.port import Analysis, MusicalKey, Rendition, Stream, Tempo


def analysis_from(said: dict[str, Any]) -> Analysis:
    tempo, key = said.pop("tempo"), said.pop("key")
    return Analysis(
        **said,
        tempo=Tempo(**tempo) if tempo else None,
        key=MusicalKey(**key) if key else None,
    )


def stream_from(said: dict[str, Any]) -> Stream:
    return Stream(
        master=said["master"],
        duration_ms=said["duration_ms"],
        renditions=tuple(Rendition(**each) for each in said["renditions"]),
        files=tuple(said["files"]),
    )
