"""Pages of rounds, newest first, as the bytes that clients get."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

_PLACE = re.compile(rb'\{"id":(-?[0-9]+),.*?"finished_at":"([^"]+)"')


class Edge(NamedTuple):
    """The round beyond which a page lies: older ones, or newer ones where it `is_backward`."""

    finished_at: datetime
    number: int
    is_backward: bool


class RoundPage(NamedTuple):
    """Rounds as JSON, newest first, and whether there are more on either side."""

    rounds: Sequence[bytes]
    has_older: bool
    has_newer: bool


def newest_page(found: Sequence[bytes], *, limit: int) -> RoundPage:
    """Of up to one more than `limit`."""
    return RoundPage(found[:limit], has_older=len(found) > limit, has_newer=False)


def page_json(page: RoundPage, link: Callable[[Edge], str]) -> bytes:
    """The page with the addresses of its neighbours."""
    following = link(_edge(page.rounds[-1], is_backward=False)) if page.has_older else None
    previous = link(_edge(page.rounds[0], is_backward=True)) if page.has_newer else None
    return b'{"results":[%b],"next":%b,"previous":%b}' % (
        b",".join(page.rounds), _json(following), _json(previous),
    )  # fmt: skip


def _edge(document: bytes, *, is_backward: bool) -> Edge:
    match = _PLACE.match(document)
    if match is None:
        raise ValueError("this is no round")
    return Edge(datetime.fromisoformat(match[2].decode()), int(match[1]), is_backward)


def _json(address: str | None) -> bytes:
    return b"null" if address is None else b'"%b"' % address.encode()
