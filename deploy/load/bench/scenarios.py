"""What is done to every server, and what comes of it."""

import os
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deploy.load.bench.client import Client, Seen, client
from deploy.load.bench.processes import Usage, usage
from deploy.load.bench.target import MissingError, Place, Server, Target

SETTLE_S = 0.7


@dataclass(frozen=True, kw_only=True)
class Load:
    """How messages are published: a fixed number of rounds a second, or so many outstanding."""

    name: str
    command: str


SATURATING = Load(name="saturating, 1 outstanding", command="closed 1")
COALESCING = Load(name="saturating, 16 outstanding", command="closed 16")
PACED = Load(name="paced, 50 messages/s", command="paced 50")
SPARSE = Load(name="paced, 180 messages/s", command="paced 180")
"""To few members, what a delivery costs is little beside what is done once for each message."""


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """Subscribers that share some rooms evenly, and what is done while they are connected."""

    subscribers: int
    rooms: int
    loads: Sequence[Load]

    @property
    def name(self) -> str:
        if self.rooms == 1:
            return f"1 room x {self.subscribers:,}"
        return f"{self.rooms:,} rooms x {self.subscribers // self.rooms:,}"


CROWDS = (
    Crowd(subscribers=1000, rooms=1, loads=(SATURATING, COALESCING, PACED)),
    Crowd(subscribers=5000, rooms=1, loads=(SATURATING, COALESCING)),
    Crowd(subscribers=10_000, rooms=1, loads=(SATURATING,)),
    Crowd(subscribers=10_000, rooms=1000, loads=(SATURATING,)),
    Crowd(subscribers=10, rooms=1, loads=(SPARSE,)),
)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One server under one load. `cpu_s` is the server's; `others` the load average beside it."""

    target: Target
    crowd: Crowd
    load: Load
    seen: Seen
    cpu_s: float
    others: float

    @property
    def per_s(self) -> float:
        return self.seen.deliveries / self.seen.seconds if self.seen.seconds else 0.0

    @property
    def cpu_s_per_million(self) -> float:
        """Not a number when nothing arrived."""
        return self.cpu_s * 1e6 / self.seen.deliveries if self.seen.deliveries else float("nan")

    @property
    def share(self) -> float:
        """Of a core, for the server."""
        return self.cpu_s / self.seen.seconds if self.seen.seconds else 0.0

    @property
    def client_share(self) -> float:
        return self.seen.cpu_s / self.seen.seconds if self.seen.seconds else 0.0


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """What the connections of a crowd cost: CPU time to connect and join, memory when idle."""

    target: Target
    crowd: Crowd
    connect_us: float
    kilobytes: float


def measure(
    target: Target, crowd: Crowd, *, place: Place, core: str, seconds: float
) -> Iterator[Figure | Arrival]:
    """One server from its start to its end. Raises MissingError when it cannot do this."""
    with (
        target.serve(place) as server,
        client(server, core=core, subscribers=crowd.subscribers, rooms=crowd.rooms) as load,
    ):
        yield _arrive(target, crowd, server, load)
        for each in crowd.loads:
            before = usage(server.pid)
            seen = load.do(f"{each.command} {seconds:g}")
            used = usage(server.pid).cpu_s - before.cpu_s
            yield Figure(
                target=target, crowd=crowd, load=each, seen=seen, cpu_s=used,
                others=os.getloadavg()[0],
            )  # fmt: skip


def _arrive(target: Target, crowd: Crowd, server: Server, load: Client) -> Arrival:
    before = usage(server.pid)
    seen = load.do("connect")
    if seen.connected < crowd.subscribers:
        raise MissingError(
            f"only {seen.connected} of {crowd.subscribers} could connect {seen.said[:120]}".strip()
        )
    load.do(f"idle {SETTLE_S}")
    after: Usage = usage(server.pid)
    warm = load.do("warm")
    if warm.failed or warm.dropped:
        raise MissingError(
            f"{warm.failed + warm.dropped} of {crowd.subscribers} never got a message"
            f" {warm.said[:120]}".rstrip()
        )
    return Arrival(
        target=target,
        crowd=crowd,
        connect_us=(after.cpu_s - before.cpu_s) * 1e6 / crowd.subscribers,
        kilobytes=(after.rss_bytes - before.rss_bytes) / 1024 / crowd.subscribers,
    )


def middle(figures: Sequence[Figure]) -> Figure:
    """The one whose CPU time per delivery is the median of its rounds."""
    ordered = sorted(figures, key=lambda figure: figure.cpu_s_per_million)
    return ordered[(len(ordered) - 1) // 2]


def middle_arrival(arrivals: Sequence[Arrival]) -> Arrival:
    """The median of each of the two figures."""
    return Arrival(
        target=arrivals[0].target,
        crowd=arrivals[0].crowd,
        connect_us=statistics.median(each.connect_us for each in arrivals),
        kilobytes=statistics.median(each.kilobytes for each in arrivals),
    )
