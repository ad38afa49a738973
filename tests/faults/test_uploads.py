"""P23: whatever cuts the wire, and whatever ends the server, files arrive bit by bit."""

import hashlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from tests.apps.realtime.live import Live, installed
from tests.apps.track.uploads.disk import Disk
from tests.apps.track.uploads.tus import Tus, reset, send_what_goes
from tests.faults.rig.sizes import SIZE
from tests.veza.asgi.wire import Wire, until
from tests.veza.integrations.media.hostile import SEED

RESUMED_WITHIN_S = 3.5
AWAY = (OSError, EOFError)
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How many files of what sizes, and how often their server ends."""

    files: int
    largest: int
    cuts: int
    people: int
    ends: tuple[signal.Signals, ...]


KILL, TERM = signal.SIGKILL, signal.SIGTERM
PLAN = {
    "small": Plan(files=12, largest=2_000_000, cuts=4, people=4, ends=(KILL, TERM)),
    "medium": Plan(
        files=200, largest=8_000_000, cuts=8, people=8, ends=(KILL, TERM, KILL, KILL) * 2
    ),
    "large": Plan(
        files=200, largest=20_000_000, cuts=8, people=8, ends=(KILL, TERM, KILL, KILL) * 2
    ),
}[SIZE.name]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    settings = {
        "DJANGO_SETTINGS_MODULE": "veza.settings", "UPLOAD_QUOTA_BYTES": str(100 * 1024**3),
    }  # fmt: skip
    with installed(tmp_path_factory.mktemp("uploads"), **settings) as live:
        yield live


@dataclass
class Person:
    """Uploads one file over a wire that is cut, and takes no word of the server for granted."""

    tus: Tus
    disk: Disk
    chance: random.Random
    content: bytes
    path: str = ""
    seen: int = 0
    silent: list[Wire] = field(default_factory=list)

    def upload(self, cuts: int) -> None:
        self.path = self.insist(lambda: self.tus.create(len(self.content)))
        for _ in range(cuts):
            with suppress(*AWAY):
                self.send_a_part()
        until(self.is_whole, timeout_s=60)
        for wire in self.silent:
            wire.socket.close()

    def send_a_part(self) -> None:
        offset = self.offset()
        rest = self.content[offset:]
        if not rest:
            return
        part = rest[: self.chance.randrange(len(rest) + 1)]
        wire = self.tus.start(self.path, offset, announced=len(rest))
        send_what_goes(wire, part)
        match self.chance.choice(["fin", "reset", "stall"]):
            case "fin":
                wire.socket.close()
            case "reset":
                reset(wire)
            case "stall":
                self.silent.append(wire)  # open, and without a word, until the test is over

    def is_whole(self) -> bool:
        """Sends all that is left, if the server lets him."""
        with suppress(*AWAY):
            offset = self.offset()
            if offset < len(self.content):
                answer = self.tus.patch(self.path, offset, self.content[offset:])
                assert answer.status in (204, 409, 423, 503), answer
                return answer.status == 204
            return self.state() == "finished"
        return False

    def state(self) -> str:
        row = self.disk.row(self.path)
        assert row is not None
        return row.state

    def offset(self) -> int:
        """As the server says; what it said once it cannot take back, and it lies on the disk."""
        offset = self.insist(lambda: self.tus.offset(self.path))
        assert offset >= self.seen, "acknowledged bytes are gone"
        if self.state() == "receiving":
            stored = sum(each.stat().st_size for each in self.disk.staged(self.path))
            # What is finished in between is no longer staged.
            is_stored = stored >= offset or self.state() == "finished"
            assert is_stored, "bytes are acknowledged that are not stored"
        self.seen = offset
        return offset

    def insist(self, ask: Callable[[], T]) -> T:
        """Again while the server is away, or says that it goes."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return ask()
            except (*AWAY, AssertionError) as fault:
                says_so = isinstance(fault, AssertionError) and "status=503" in str(fault)
                is_away = isinstance(fault, AWAY) or says_so
                if not is_away or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)


def sizes(chance: random.Random) -> list[int]:
    """From none at all to the largest, some at the borders of what is written at once."""
    borders = [0, 1, 65_535, 65_536, 65_537, 1024**2]
    drawn = [chance.randrange(PLAN.largest + 1) for _ in range(PLAN.files - len(borders))]
    return borders + drawn


def test_files_cut_at_random_while_servers_end_are_bit_identical(live: Live) -> None:
    chance = random.Random(SEED)
    tus, disk = Tus(port=live.web.port, account=live.web.register()), Disk(live=live)
    people = [
        Person(tus, disk, random.Random(chance.random()), os.urandom(size))
        for size in sizes(chance)
    ]
    cuts = [chance.randint(1, PLAN.cuts) for _ in people]
    over = threading.Event()
    ender = threading.Thread(target=end_servers, args=(live, people, over))
    ender.start()
    with ThreadPoolExecutor(PLAN.people) as pool:
        list(pool.map(Person.upload, people, cuts))
    over.set()
    ender.join()

    for person in people:
        stored = hashlib.sha256(disk.content(person.path)).hexdigest()
        assert stored == hashlib.sha256(person.content).hexdigest()
        assert getattr(disk.row(person.path), "sha256", "") == stored, f"seed {SEED}"
        assert len(disk.facts(person.path)) == 1
        assert disk.staged(person.path) == []


def end_servers(live: Live, people: list[Person], over: threading.Event) -> None:
    """Each time that as much more of all files has begun."""
    for number, how in enumerate(PLAN.ends):
        wanted = len(people) * (number + 1) // (len(PLAN.ends) + 2)
        while not over.is_set() and sum(bool(each.path) for each in people) < wanted:
            over.wait(0.02)
        live.web.restart(kill=how == signal.SIGKILL)


def test_a_cut_upload_goes_on_within_seconds(live: Live) -> None:
    tus, disk = Tus(port=live.web.port, account=live.web.register()), Disk(live=live)
    content = os.urandom(500_000)
    path = tus.create(len(content))
    with tus.start(path, 0, announced=len(content), sent=content[:200_000]):
        until(lambda: getattr(disk.row(path), "offset_bytes", 0) > 0)
        began = time.monotonic()
        offset = tus.offset(path)
        assert tus.patch(path, offset, content[offset:]).status == 204
        assert time.monotonic() - began < RESUMED_WITHIN_S
    assert disk.content(path) == content
