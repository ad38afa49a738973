"""The road of rounds: PostgreSQL, Redis, one web process, and two of each that carries rounds."""

import asyncio
import itertools
import json
import shutil
import signal
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.faults.rig.history import Seen
from tests.faults.rig.nemesis import Fault, Nemesis
from tests.faults.rig.programs import Program, run_to_end
from tests.faults.rig.system import POSTGRES, SUBJECTS, System, tied
from veza.embedded.ports import free_port

SLOT = "veza"
GAME, TYPE = "kills", "test"
SHORT_LOG = {"max_slot_wal_keep_size": "32MB", "max_wal_size": "64MB"}
ORACLE = "oracle"
"""A slot that nobody kills: in the end it tells what was committed, and in which order."""
_COLUMNS_AT = 8  # I, number of the table, N, number of the columns


class Road(System):
    """`streams_over` is `redis` or `nats`: what capture hands to the projector. With
    `is_log_short` PostgreSQL keeps little of its log for a slot that nobody reads.
    """

    def __init__(
        self, folder: Path, *, streams_over: str = "redis", is_log_short: bool = False
    ) -> None:
        self.nats = _nats(folder) if streams_over == "nats" else None
        super().__init__(folder, postgres_options=POSTGRES | (SHORT_LOG if is_log_short else {}))
        self.captures: Sequence[Program] = ()
        self.projectors: Sequence[Program] = ()

    @property
    def programs(self) -> list[Program]:
        nats = [self.nats] if self.nats else []
        servers = [self.postgres, self.redis, *nats]
        return [*servers, self.webs[0], *self.captures, *self.projectors]

    def environment(self, name: str, **changes: object) -> dict[str, str]:
        address = {"NATS_URL": f"nats://127.0.0.1:{_nats_port(self.nats)}"} if self.nats else {}
        return super().environment(name, **(address | changes))

    def up(self) -> None:
        self.prepare()
        self.captures = [self._role(f"capture-{n}", "capture") for n in (1, 2)]
        self.projectors = [self._role(f"projector-{n}", "projector") for n in (1, 2)]
        self.webs[0].launch()
        self.webs[0].wait_until_ready()
        for program in (*self.captures, *self.projectors):
            program.launch()

    def prepare(self) -> None:
        """The servers with a game, and nothing of ours that runs."""
        servers = [each for each in (self.postgres, self.redis, self.nats) if each]
        for server in servers:
            server.launch()
        for server in servers:
            server.wait_until_ready()
        run_to_end("migrate", "--verbosity", "0",
                   env=self.environment("migrate"), log=self.folder / "migrate.log")  # fmt: skip
        self.query(SUBJECTS)
        self.add_games(GAME)

    def is_carried(self) -> bool:
        """Whether a round that is committed now is told to those who watch."""
        status, body = self.webs[0].get("/readyz")
        is_captured = status == 200 and body["dependencies"]["capture"]["state"] == "up"
        return is_captured and b"\r\n1\r\n" in self.redis_command(
            "HGET", "veza:feed:rounds", "ready"
        )

    def add_games(self, *slugs: str) -> None:
        for slug in slugs:
            self.query("INSERT INTO datastream_game (id, slug, type)"
                       " VALUES (gen_random_uuid(), %s, %s)", slug, TYPE)  # fmt: skip

    def insert(self, count: int = 1) -> int:
        """Rows in one commit; the number of the last."""
        rows = self.query(
            "INSERT INTO datastream_round (game_id) SELECT g.id FROM datastream_game g,"
            " generate_series(1, %s) WHERE slug = %s RETURNING id",
            count, GAME,
        )  # fmt: skip
        return int(rows[-1][0])

    def fill_log(self, *, mib: int) -> None:
        """Make PostgreSQL's own log so much longer, and let it throw away what it need not keep."""
        self.query(
            "SELECT count(pg_logical_emit_message(false, 'rig', repeat(md5(n::text), 32768)))"
            " FROM generate_series(1, %s) n",
            mib,
        )
        self.query("CHECKPOINT")

    def slot_state(self) -> str:
        """`reserved`, `lost` and so on, as PostgreSQL calls them; "" without a slot."""
        rows = self.query("SELECT wal_status FROM pg_replication_slots WHERE slot_name = %s", SLOT)
        return rows[0][0] if rows else ""

    def log_mib(self) -> float:
        """What PostgreSQL's own log takes of the disk."""
        return float(self.query("SELECT sum(size) / 1024 ^ 2 FROM pg_ls_waldir()")[0][0])

    def latest(self) -> int | None:
        status, body = self.webs[0].get(f"/api/v1/games/{GAME}/rounds/latest")
        return body["id"] if status == 200 else None

    def rounds(self) -> list[int]:
        """Newest first, as lists have them: writers at the same time draw ids in another order."""
        newest = "SELECT id FROM datastream_round ORDER BY finished_at DESC, id DESC"
        return [row[0] for row in self.query(newest)]

    def last_prices(self, *prices: dict[str, object]) -> None:
        """As an ingestor's process keeps them."""
        values = {f"last_price:{each['instrument']}": json.dumps(each).encode() for each in prices}
        code = (
            "from veza.integrations.room_state import room_state;"
            f"room_state().put_values({values!r}, ttl_s=300)"
        )
        run_to_end("shell", "--no-imports", "-c", code,
                   env=self.environment("shell"), log=self.folder / "shell.log")  # fmt: skip

    @contextmanager
    def oracle(self) -> Iterator[None]:
        """Within it PostgreSQL keeps what is committed for `committed`."""
        self.query("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", ORACLE)
        try:
            yield
        finally:
            self.query("SELECT pg_drop_replication_slot(%s)", ORACLE)

    def committed(self, *, after: int) -> list[Seen]:
        """The rounds since `oracle` began, in the order of their commits, as PostgreSQL itself has
        them; positions follow each other from `after` on.
        """
        changes = self.query(
            "SELECT data FROM pg_logical_slot_peek_binary_changes(%s, NULL, NULL,"
            " 'proto_version', '1', 'publication_names', 'veza_capture')",
            ORACLE,
        )
        order = [_row_id(data) for (data,) in changes if data[:1] == b"I"]
        known = {
            row[0]: row[1:]
            for row in self.query(
                "SELECT r.id, (extras ->> 'op')::int8, (extras ->> 'step')::int, slug"
                "  FROM datastream_round r JOIN datastream_game g ON g.id = game_id"
                " WHERE r.id = ANY (%s)",
                order,
            )
        }
        return [
            Seen(fact=str(row), position=position, op=known[row][0], version=known[row][1],
                 subject=known[row][2])
            for position, row in zip(itertools.count(after + 1), order, strict=False)
        ]  # fmt: skip

    def _serves(self) -> bool:
        try:
            return self.is_carried()
        except OSError:
            return False


class RoadNemesis(Nemesis):
    """Kills and freezes what carries rounds, and the servers that it stands on."""

    @property
    def faults(self) -> dict[str, Fault]:
        programs = self._system.programs
        killing: dict[str, Fault] = {f"kill {each.name}": each.kill for each in programs}
        return killing | {
            f"freeze {each.name}": _freezing(each) for each in programs if each.name != "postgres"
        }

    async def kill(self, *, count: int, pause_s: float) -> None:
        """So many kills, everybody once before anybody twice, and after every third a freeze."""
        names = sorted(name for name in self.faults if name.startswith("kill "))
        frozen = sorted(name for name in self.faults if name.startswith("freeze "))
        waiting: list[str] = []
        for number in range(count):
            waiting = waiting or self._rng.sample(names, len(names))
            await self.strike(waiting.pop())
            await asyncio.sleep(self._rng.uniform(0.2, 1) * pause_s)
            if number % 3 == 2:
                await self.strike(self._rng.choice(frozen))
                await asyncio.sleep(pause_s)
            await self._system.heal()


@contextmanager
def road_in(
    folder: Path, *, streams_over: str = "redis", is_up: bool = True, is_log_short: bool = False
) -> Iterator[Road]:
    """A road of one's own; nothing of it is left afterwards."""
    road = Road(folder, streams_over=streams_over, is_log_short=is_log_short)
    try:
        if is_up:
            road.up()
        else:
            road.prepare()
        yield road
    finally:
        road.down()
        shutil.rmtree(folder / "postgres", ignore_errors=True)


def _freezing(program: Program) -> Fault:
    return lambda: program.signal(signal.SIGSTOP)


def _row_id(message: bytes) -> int:
    """The first column, as text, of pgoutput's Insert."""
    (size,) = struct.unpack_from(">i", message, _COLUMNS_AT + 1)
    start = _COLUMNS_AT + 5
    return int(message[start : start + size])


def _nats(folder: Path) -> Program:
    port = free_port()
    binary = shutil.which("nats-server") or "nats-server"
    argv = (binary, "-js", "-a", "127.0.0.1", "-p", str(port), "-sd", str(folder / "nats"))
    return Program(
        name="nats", argv=tied(*argv), env={}, log=folder / "nats.log",
        is_ready=lambda: _listens(port),
    )  # fmt: skip


def _nats_port(nats: Program) -> int:
    words = list(nats.argv)
    return int(words[words.index("-p") + 1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
