"""Decisions about tracks: no database, no network, no clock."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from apps.track.types.tracks import Access, AccessState, TrackStatus
from veza.kit.words import folded

MAX_TAGS = 20
_URI = re.compile(r'URI="([^"?]+)"')
_SEGMENT = re.compile(r"[a-z0-9][a-z0-9_-]*(?:\.[a-z0-9]+)?(?:/[a-z0-9][a-z0-9_-]*\.[a-z0-9]+)?")


def search_words(*, title: str, artist: str, rest: Iterable[str]) -> str:
    """What a track is found by: a line each for its title, its artist, and the rest.

    The database weighs the words by their line.
    """
    return "\n".join([folded(title), folded(artist), folded(*rest)])


def title_from(*, given: str, tagged: str, filename: str) -> str:
    """The title that was given, else that of the file's tags, else the file's name."""
    name = PurePosixPath(filename.replace("\\", "/")).stem.replace("_", " ").strip()
    return (given.strip() or tagged.strip() or name or "Untitled")[:200]


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Each once, in lower case, in the order in which they came."""
    return list(dict.fromkeys(tag.strip().casefold() for tag in tags if tag.strip()))


def access_to(status: str) -> Access:
    """What who may see a track may hear of it."""
    if status == TrackStatus.READY:
        return Access(state=AccessState.PLAYABLE, reason=None)
    return Access(state=AccessState.BLOCKED, reason="not_ready")


def is_stream_name(name: str) -> bool:
    """Whether this may be the name of a playlist or a segment: no way out of its folder."""
    return bool(_SEGMENT.fullmatch(name))


def with_query(playlist: str, query: str) -> str:
    """A playlist (RFC 8216) each of whose addresses has this query."""
    lines = []
    for line in playlist.splitlines():
        if line.startswith("#"):
            lines.append(_URI.sub(rf'URI="\1?{query}"', line))
        else:
            lines.append(f"{line}?{query}" if line.strip() else line)
    return "\n".join(lines) + "\n"
