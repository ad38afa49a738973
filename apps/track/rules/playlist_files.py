"""Playlists as files: M3U8 (https://en.wikipedia.org/wiki/M3U) and JSPF (https://xspf.org/jspf)."""

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from apps.track.types.playlist_files import Entry, ExportedPlaylist, ReadPlaylist

MAX_BYTES = 2 * 1024**2
MAX_LINE, MAX_TEXT, MAX_LOCATIONS = 4096, 500, 10
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_BINARY = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_OUR_ID = re.compile(
    r"(?:/tracks/|urn:uuid:)([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b", re.IGNORECASE
)

ReadJson = Callable[[str], Any]
"""A reader that bounds depth and refuses what is ambiguous."""


class UnreadableError(ValueError):
    """These bytes are no playlist; the message says why."""


def decode(content: bytes) -> str:
    """UTF-8, UTF-16 with a mark, or Windows-1252 as old M3U files are. Raises UnreadableError."""
    for marks, name in (((BOM_UTF8,), "utf-8-sig"), ((BOM_UTF16_LE, BOM_UTF16_BE), "utf-16")):
        if content.startswith(marks):
            return _decoded(content, name)
    try:
        return _decoded(content, "utf-8")
    except UnreadableError:
        return _decoded(content, "cp1252")


def _decoded(content: bytes, name: str) -> str:
    try:
        text = content.decode(name)
    except UnicodeDecodeError:
        raise UnreadableError("The file is no text.") from None
    if _BINARY.search(text):
        raise UnreadableError("The file is no text.")
    return text


def read_m3u(text: str) -> ReadPlaylist:
    """With or without the extended header. Raises UnreadableError."""
    entries: list[Entry] = []
    title, told = "", ("", "")
    for line in text.splitlines():
        if len(line) > MAX_LINE:
            raise UnreadableError(f"A line has more than {MAX_LINE} characters.")
        name, _, value = line.strip().partition(":")
        if name.upper() == "#EXTINF":
            told = _artist_and_title(value.partition(",")[2])
        elif name.upper() == "#PLAYLIST":
            title = _plain(value)
        elif line.strip() and not line.lstrip().startswith("#"):
            artist, name = told
            entries.append(
                Entry(
                    position=len(entries) + 1,
                    title=name,
                    artist=artist,
                    locations=(line.strip(),),
                )
            )
            told = ("", "")
    return ReadPlaylist(title=title, entries=tuple(entries))


def read_jspf(document: object) -> ReadPlaylist:
    """Of JSON that is read already. Raises UnreadableError."""
    playlist = document.get("playlist") if isinstance(document, dict) else None
    tracks = playlist.get("track") if isinstance(playlist, dict) else None
    if not isinstance(playlist, dict) or not isinstance(tracks, list):
        raise UnreadableError("A JSPF file has an object `playlist` with a list `track`.")
    entries = []
    for position, track in enumerate(tracks, start=1):
        if not isinstance(track, dict):
            raise UnreadableError(f"Track {position} of the list is no object.")
        entries.append(
            Entry(
                position=position,
                title=_plain(track.get("title")),
                artist=_plain(track.get("creator")),
                locations=tuple(_texts(track.get("identifier"), track.get("location"))),
            )
        )
    return ReadPlaylist(title=_plain(playlist.get("title")), entries=tuple(entries))


def our_id(entry: Entry) -> UUID | None:
    """The track that its addresses name, wherever this installation was reached."""
    for location in entry.locations:
        if found := _OUR_ID.search(location):
            return UUID(found[1])
    return None


def as_m3u(playlist: ExportedPlaylist) -> str:
    """Extended M3U in UTF-8."""
    lines = ["#EXTM3U", f"#PLAYLIST:{_plain(playlist.title)}"]
    for track in playlist.tracks:
        name = " - ".join(filter(None, [_plain(track.artist), _plain(track.title)]))
        seconds = -1 if track.duration_ms is None else round(track.duration_ms / 1000)
        lines += [f"#EXTINF:{seconds},{name}", track.url]
    return "\n".join(lines) + "\n"


def as_jspf(playlist: ExportedPlaylist) -> dict[str, Any]:
    """The JSON of JSPF."""
    return {
        "playlist": {
            "title": playlist.title,
            "creator": playlist.creator,
            "annotation": playlist.description,
            "identifier": f"urn:uuid:{playlist.id}",
            "track": [
                {
                    "location": [track.url],
                    "identifier": [f"urn:uuid:{track.id}"],
                    "title": track.title,
                    "creator": track.artist,
                    "album": track.album,
                    **({} if track.duration_ms is None else {"duration": track.duration_ms}),
                }
                for track in playlist.tracks
            ],
        }
    }


def _artist_and_title(text: str) -> tuple[str, str]:
    artist, dash, title = text.partition(" - ")
    return (_plain(artist), _plain(title)) if dash else ("", _plain(text))


def _plain(value: object) -> str:
    """One line of bounded length; other values than texts count as none."""
    return _UNSEEN.sub(" ", value).strip()[:MAX_TEXT] if isinstance(value, str) else ""


def _texts(*values: object) -> Iterator[str]:
    for value in values:
        several = value[:MAX_LOCATIONS] if isinstance(value, list) else [value]
        yield from (each[:MAX_LINE] for each in several if isinstance(each, str))
