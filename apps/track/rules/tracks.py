"""Decisions about tracks: no database, no network, no clock."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from apps.track.types.tracks import Access, AccessState, TrackStatus
from veza.kit.words import folded

MAX_TAGS = 20
PREVIEW_S = 30.0
PREVIEW_SLACK_S = 0.5  # segments end with a frame of the codec, not with a second
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


def access_to(status: str, *, must_buy: bool, has_preview: bool) -> Access:
    """What who may see a track may hear of it."""
    if status != TrackStatus.READY:
        return Access(state=AccessState.BLOCKED, reason="not_ready")
    if not must_buy:
        return Access(state=AccessState.PLAYABLE, reason=None)
    state = AccessState.PREVIEW if has_preview else AccessState.BLOCKED
    return Access(state=state, reason="purchase_required")


def preview_of(playlist: str) -> str:
    """The first PREVIEW_S of a media playlist (RFC 8216), as whole segments; a master playlist
    stays as it is.
    """
    lines: list[str] = []
    total_s = 0.0
    for line in playlist.splitlines():
        if line.startswith("#EXTINF:"):
            total_s += float(line.removeprefix("#EXTINF:").partition(",")[0])
            if total_s > PREVIEW_S + PREVIEW_SLACK_S:
                return "\n".join([*lines, "#EXT-X-ENDLIST", ""])
        lines.append(line)
    return playlist


def addresses_in(playlist: str) -> set[str]:
    """What a playlist leads to."""
    plain = {line for line in playlist.splitlines() if line and not line.startswith("#")}
    return plain | set(_URI.findall(playlist))


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
