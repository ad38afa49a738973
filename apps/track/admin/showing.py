"""What an operator sees of the making of one track."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from apps.track.models import StepEntry, Track, TrackVersion
from apps.track.rules.standing import why
from apps.track.selectors.making import history_of, making_of, takers
from apps.track.services.processing import MAX_TRIES
from apps.track.types import TrackStatus
from veza.integrations.object_storage import (
    ObjectNotFoundError,
    StorageUnavailableError,
    object_storage,
)

HEARD_BPS = 128_000
COLUMNS = 600
HALF = 64
QUARANTINE = "quarantine/"


@dataclass(frozen=True, kw_only=True)
class Line:
    """A version with all that was done for it."""

    version: TrackVersion
    is_active: bool
    is_quarantined: bool
    history: Sequence[StepEntry]


def standing_of(version: TrackVersion | None, *, now: datetime) -> str:
    """Why it does not move, or how it ended."""
    if version is None:
        return "It has no version."
    making = making_of([version])[version.pk]
    return why(making, takers(), max_tries=MAX_TRIES, now=now) or "It can be heard."


def versions_of(track: Track) -> SafeString:
    """Its versions, newest first, each with its history."""
    versions = list(TrackVersion.objects.filter(track=track).order_by("-n"))
    history: dict[Any, list[StepEntry]] = {version.pk: [] for version in versions}
    for entry in history_of(history):
        history[entry.version_id].append(entry)
    lines = [
        Line(
            version=version,
            is_active=version.pk == track.active_id,
            is_quarantined=version.source_key.startswith(QUARANTINE),
            history=history[version.pk],
        )
        for version in versions
    ]
    return render_to_string("track/versions.html", {"lines": lines})


def player_of(version: TrackVersion | None) -> SafeString | str:
    """Something to listen with, and the picture of the sound."""
    if version is None or version.status != TrackStatus.READY:
        return "Nothing of it can be heard yet."
    rates = list(version.renditions.order_by("bitrate_bps").values_list("bitrate_bps", flat=True))
    if not rates:
        return "It has no rendition."
    rate = min(rates, key=lambda each: abs(each - HEARD_BPS))
    name = f"{rate // 1000}/index.m3u8"
    about = {
        "version": version,
        "address": reverse("admin:track_track_sound", args=[version.pk, name]),
        "codec": version.renditions.values_list("codec", flat=True)[0],
        "rate": rate // 1000,
        "path": waveform_path(version),
        "columns": COLUMNS,
        "height": 2 * HALF,
    }
    return render_to_string("track/player.html", about)


def waveform_path(version: TrackVersion) -> str:
    """The waveform as the `d` of an SVG path; empty where there is none to read."""
    try:
        document = json.loads(object_storage().read(version.waveform_key))
        lows, highs = document["data"][0::2], document["data"][1::2]
        scale = HALF / 2 ** (int(document["bits"]) - 1)
    except (ObjectNotFoundError, StorageUnavailableError, ValueError, KeyError, TypeError):
        return ""
    parts = []
    for column in range(min(COLUMNS, len(highs))):
        low, high = _slice(lows, column), _slice(highs, column)
        top, bottom = HALF - max(high) * scale, HALF - min(low) * scale
        parts.append(f"M{column + 0.5:g} {top - 0.5:.1f}V{bottom + 0.5:.1f}")
    return "".join(parts)


def _slice(values: Sequence[float], column: int) -> Sequence[float]:
    """The values that share a column."""
    columns = min(COLUMNS, len(values))
    first, last = column * len(values) // columns, (column + 1) * len(values) // columns
    return values[first : max(last, first + 1)]


def owner_link(track: Track) -> tuple[str, str]:
    """His other tracks, and his name."""
    query = urlencode({"owner": str(track.owner_id)})
    return f"{reverse('admin:track_track_changelist')}?{query}", track.owner.username
