"""Somebody who tries every address at which something of a track could be had."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from tests.apps.track.studio import TRACKS, Studio
from tests.factories.sounds import EICAR

NAMES = (
    "master.m3u8", "128/index.m3u8", "64/init.mp4", "256/00000.m4s", "source", "../source",
)  # fmt: skip


def addresses(house: Studio, track_id: str) -> list[str]:
    """All there are, as far as its owner can know."""
    with httpx.Client(base_url=house.live.web.base_url, headers=house.account.headers) as client:
        shown = client.get(f"{TRACKS}/{track_id}").json()
    told = [value for value in shown.values() if isinstance(value, str) and "/api/" in value]
    paths = [f"{TRACKS}/{track_id}/{part}" for part in ("download", "waveform", "artwork")]
    return told + paths + [f"{TRACKS}/{track_id}/stream/{name}" for name in NAMES]


def leaks(house: Studio, track_id: str) -> list[str]:
    """Where, and to whom, something of the file is answered."""
    found = []
    with httpx.Client(base_url=house.live.web.base_url) as client:
        for address in addresses(house, track_id):
            for headers in ({}, house.account.headers):
                path = re.sub(r"^https?://[^/]+", "", address)
                answer = client.get(path, headers=headers)
                if answer.status_code < 400 or EICAR[:20] in answer.content:
                    found.append(f"{answer.status_code} {path}")
    return found


@dataclass
class Seeker:
    """What was `found` in so many `rounds` over all addresses."""

    found: list[str] = field(default_factory=list)
    rounds: int = 0


@contextmanager
def seeking(house: Studio, track_id: str) -> Iterator[Seeker]:
    """Tries all addresses without a pause, and once more at the end."""
    seeker, over = Seeker(), threading.Event()

    def seek() -> None:
        while not over.is_set():
            seeker.found += leaks(house, track_id)
            seeker.rounds += 1

    thread = threading.Thread(target=seek)
    thread.start()
    try:
        yield seeker
    finally:
        over.set()
        thread.join()
    seeker.found += leaks(house, track_id)
