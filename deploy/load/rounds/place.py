"""PostgreSQL, Valkey and the product's roles on them, all of this run's own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from redis import Redis

from deploy.load.bench import processes
from deploy.load.bench.target import ROOT
from veza.embedded import postgres, valkey
from veza.embedded.accounts import launched
from veza.embedded.ports import free_port
from veza.embedded.service import Service

GAME = "bench"
TOPIC = "veza.public.datastream_round"
FEED = "veza:feed:rounds"
PATIENCE_S = 120.0
STOP_S = 20.0
ELSEWHERE = ("NATS_URL", "AMQP_URL", "CLAMD_URL")


class Place:
    """Made by `made`."""

    def __init__(self, folder: Path, *, database_url: str, redis_url: str) -> None:
        self.folder = folder
        self.redis_url = redis_url
        self.database_url = database_url
        self.web_port = free_port()
        self.redis: Any = Redis.from_url(redis_url)
        self.db = psycopg.connect(database_url, autocommit=True)

    @property
    def env(self) -> dict[str, str]:
        """Without the change stream, broker and scanner that the caller's environment names."""
        inherited = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
        return inherited | {
            "DJANGO_SETTINGS_MODULE": "veza.settings", "VEZA_ENV": "embedded",
            "VEZA_DATA_DIR": str(self.folder), "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url, "PORT": str(self.web_port), "LOG_LEVEL": "WARNING",
            "PYTHONPATH": str(ROOT),
        }  # fmt: skip

    def manage(self, *arguments: str) -> None:
        """Run a command of `manage.py` to its end."""
        subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.env, check=True
        )

    @contextmanager
    def running(self, *argv: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Python with these arguments; told to end with the block."""
        process = subprocess.Popen([sys.executable, *argv], cwd=ROOT, env=self.env)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()

    @contextmanager
    def roles(self, *names: str) -> Iterator[list[int]]:
        """Roles of `manage.py`; their process ids."""
        with ExitStack() as stack:
            yield [stack.enter_context(self.running("manage.py", name)).pid for name in names]

    def length(self) -> int:
        """Of the change stream."""
        return int(self.redis.xlen(TOPIC))

    def head(self) -> int:
        """The position of the newest round that was projected."""
        return int(self.redis.hget(FEED, "head") or 0)

    def insert(self, count: int) -> None:
        """Rows, each in a commit of its own."""
        self.db.execute("SET synchronous_commit = off")
        self.db.execute(
            f"""DO $$ DECLARE game uuid := (SELECT id FROM datastream_game WHERE slug = '{GAME}');
            BEGIN FOR n IN 1..{count:d} LOOP
              INSERT INTO datastream_round (game_id, extras)
              VALUES (game, '{{"multiplier": 2.5, "players": 17}}'); COMMIT;
            END LOOP; END $$""".encode()  # noqa: S608 - a number and a constant
        )


def until(holds: Callable[[], object], *, what: str, every_s: float = 0.005) -> None:
    """Raises SystemExit with a sentence when it takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"Not within {PATIENCE_S:.0f} s: {what}.")
        time.sleep(every_s)


@contextmanager
def made(folder: Path) -> Iterator[Place]:
    """Servers with a migrated database and one game."""
    env = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    database = postgres.service(folder, port=free_port(), env=env)
    store = valkey.service(folder, port=free_port(), env=env)
    with _served(database), _served(store):
        place = Place(
            folder,
            database_url=f"postgres://postgres@127.0.0.1:{_port(database)}/{postgres.DATABASE}",
            redis_url=f"redis://127.0.0.1:{_port(store)}/0",
        )
        place.manage("migrate", "--verbosity", "0")
        place.db.execute(
            "INSERT INTO datastream_game (id, slug, type) VALUES (gen_random_uuid(), %s, 'bench')",
            [GAME],
        )
        yield place
        place.db.close()


@contextmanager
def _served(service: Service) -> Iterator[None]:
    if service.before_start is not None:
        service.before_start()
    argv = launched(tuple(service.argv), account=service.account, signal_number=9)
    with service.log.open("ab") as out:
        process = subprocess.Popen(argv, env=dict(service.env), stdout=out, stderr=out)
    try:
        until(service.is_ready, what=f"{service.name} answers")
        yield
    finally:
        process.send_signal(service.stop_signals[0])
        process.wait(STOP_S)


def _port(service: Service) -> str:
    words: Sequence[str] = service.argv
    return words[words.index("-p" if "-p" in words else "--port") + 1]


def cpu_s(pid: int) -> float:
    """What the process has used so far."""
    return processes.usage(pid).cpu_s


def quantiles(values: Sequence[float]) -> tuple[float, float]:
    """p50 and p99."""
    known = sorted(values)
    return known[len(known) // 2], known[min(len(known) - 1, len(known) * 99 // 100)]


Figures = Mapping[str, float]
