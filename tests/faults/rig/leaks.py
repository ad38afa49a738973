"""What must be back where it was when all clients have gone."""

from dataclasses import dataclass
from pathlib import Path

from tests.faults.rig.programs import Web
from tests.faults.rig.system import System
from tests.faults.rig.waiting import TooLongError, until_elsewhere

SLACK = 4
BACK_WITHIN_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """Counts of one moment: descriptors of each web process, and connections to the servers."""

    files: dict[str, int]
    database: int
    redis: int
    streams: float

    def beyond(self, base: "Footprint") -> list[str]:
        """What there is more of than in `base`, beyond a little."""
        grown = [
            f"{name} has {count} open files, had {base.files[name]}"
            for name, count in self.files.items()
            if count > base.files[name] + SLACK
        ]
        if self.database > base.database + SLACK:
            grown.append(f"{self.database} database connections, were {base.database}")
        if self.redis > base.redis + SLACK:
            grown.append(f"{self.redis} connections to Redis, were {base.redis}")
        if self.streams > base.streams:
            grown.append(f"{self.streams:g} realtime connections, were {base.streams:g}")
        return grown


def footprint(system: System) -> Footprint:
    """As it is now. Blocks."""
    clients = system.redis_command("CLIENT", "LIST")
    backends = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
    return Footprint(
        files={web.name: web.open_files() for web in system.webs},
        database=system.query(backends)[0][0],
        redis=clients.count(b"id="),
        streams=sum(_connections(web) for web in system.webs),
    )


def _connections(web: Web) -> float:
    return web.metric("veza_realtime_connections{")


async def at_rest(system: System) -> Footprint:
    """Once nobody is connected and the counts no longer change."""
    last: list[Footprint] = []

    def is_still() -> bool:
        last.append(footprint(system))
        return not last[-1].streams and len(last) > 1 and last[-1] == last[-2]

    await until_elsewhere(is_still, within_s=BACK_WITHIN_S, what="the system is at rest")
    return last[-1]


async def check(system: System, base: Footprint) -> None:
    """Everything is back at the base line. Raises TooLongError, which says what is not."""
    grown: list[str] = []

    def is_back() -> bool:
        grown[:] = footprint(system).beyond(base)
        return not grown

    try:
        await until_elsewhere(is_back, within_s=BACK_WITHIN_S, what="no leak")
    except TooLongError:
        raise AssertionError(f"left over: {grown}") from None


def children() -> set[int]:
    """Processes of which this one is the parent (Linux)."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == _own_id():
            found.add(int(stat.parent.name))
    return found


def _own_id() -> int:
    return int(Path("/proc/self").resolve().name)
