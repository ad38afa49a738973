"""PostgreSQL and Valkey themselves, each in a directory that only its owner may enter."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.patience import PATIENCE_S
from veza.embedded import accounts, datadir, postgres, processes, state, valkey
from veza.embedded.errors import EmbeddedError
from veza.embedded.ports import free_port
from veza.embedded.service import Service
from veza.embedded.signals import Signals
from veza.embedded.supervisor import Supervisor


@pytest.fixture
def signals():
    with Signals().installed() as installed:
        yield installed


@pytest.fixture
def said():
    return []


@pytest.fixture
def supervisor(tmp_path, signals, said):
    supervisor = Supervisor(data_dir=tmp_path, signals=signals, say=said.append)
    yield supervisor
    supervisor.stop(timeout_s=10)


def process_id(tmp_path: Path, name: str) -> int:
    return next(entry["pid"] for entry in state.read_processes(tmp_path) if entry["name"] == name)


def postgres_service(tmp_path: Path) -> Service:
    return postgres.service(tmp_path, port=free_port(), env={"PATH": os.defpath})


def execute(service: Service, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(
        host="127.0.0.1", port=service.port, user="postgres", dbname="veza", autocommit=True
    ) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


class TestPostgres:
    def test_has_our_database_and_keeps_its_rows_when_killed(self, tmp_path, supervisor, said):
        service = postgres_service(tmp_path)
        supervisor.add([service])
        supervisor.wait_ready(["postgres"], timeout_s=30)
        assert execute(service, "SHOW wal_level") == [("logical",)]
        execute(service, "CREATE TABLE kept AS SELECT 42 AS answer")

        os.kill(process_id(tmp_path, "postgres"), signal.SIGKILL)
        while not said:
            supervisor.tick()
        supervisor.wait_ready(["postgres"], timeout_s=30)

        assert execute(service, "SELECT answer FROM kept") == [(42,)]
        assert said[0].startswith("postgres was killed by SIGKILL and starts again in")

    def test_starts_although_its_pid_file_names_another_process(self, tmp_path, supervisor):
        service = postgres_service(tmp_path)
        (tmp_path / "postgres" / "postmaster.pid").write_text("1\n/x\n1\n2\n\n\n 1 2\n")
        supervisor.add([service])
        supervisor.wait_ready(["postgres"], timeout_s=30)

    def test_starts_although_its_pid_file_is_empty(self, tmp_path, supervisor):
        service = postgres_service(tmp_path)
        (tmp_path / "postgres" / "postmaster.pid").touch()
        supervisor.add([service])
        supervisor.wait_ready(["postgres"], timeout_s=30)

    def test_makes_its_files_anew_when_that_was_interrupted(self, tmp_path):
        (tmp_path / "postgres.new").mkdir()
        (tmp_path / "postgres.new" / "PG_VERSION").write_text("1")
        postgres_service(tmp_path)
        assert not (tmp_path / "postgres.new").exists()

    def test_refuses_the_files_of_another_major_version(self, tmp_path):
        (tmp_path / "postgres").mkdir()
        (tmp_path / "postgres" / "PG_VERSION").write_text("9\n")
        with pytest.raises(EmbeddedError, match=r"belongs to PostgreSQL 9 and this Veza brings"):
            postgres_service(tmp_path)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
    def test_runs_as_an_ordinary_user_where_namespaces_are_refused(self, tmp_path, monkeypatch):
        nobody = pwd.getpwnam("nobody")
        monkeypatch.setattr(
            accounts,
            "_candidates",
            lambda _: [accounts.Account(way="become", uid=nobody.pw_uid, gid=nobody.pw_gid)],
        )
        for parent in (tmp_path, *tmp_path.parents):
            if parent.stat().st_uid == os.geteuid() and not parent.stat().st_mode & 0o001:
                parent.chmod(0o755)
        if not all(parent.stat().st_mode & 0o001 for parent in postgres.find_binaries().parents):
            with pytest.raises(EmbeddedError, match="start Veza as an ordinary user"):
                postgres_service(tmp_path)  # nobody may enter where the wheel lies
            return
        service = postgres_service(tmp_path)
        assert (tmp_path / "postgres").stat().st_uid == nobody.pw_uid
        assert service.account.way == "become"


class TestValkey:
    def test_keeps_what_it_was_given(self, tmp_path, signals):
        service = valkey.service(tmp_path, port=free_port(), env={})
        for expected in (b"$-1", b"$2\r\n42"):
            supervisor = Supervisor(data_dir=tmp_path, signals=signals, say=print)
            supervisor.add([service])
            supervisor.wait_ready(["valkey"], timeout_s=30)
            assert _ask(service, "GET answer").startswith(expected)
            assert _ask(service, "SET answer 42") == b"+OK\r\n"
            assert _ask(service, "CONFIG GET maxmemory-policy").endswith(b"noeviction\r\n")
            supervisor.stop(timeout_s=10)

    def test_is_taken_from_the_path_without_the_wheel(self, tmp_path, monkeypatch):
        program = tmp_path / "redis-server"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
        assert valkey.find_binary() == program


def _ask(service: Service, command: str) -> bytes:
    with socket.create_connection(
        ("127.0.0.1", service.port or 0), timeout=PATIENCE_S
    ) as connection:
        connection.sendall(command.encode() + b"\r\n")
        return connection.recv(4096)


class TestSupervisor:
    def service(self, tmp_path: Path, name: str, script: str, **more: object) -> Service:
        return Service(
            name=name,
            argv=("/bin/sh", "-c", script),
            log=tmp_path / "logs" / f"{name}.log",
            env={"PATH": os.defpath},
            **more,  # type: ignore[arg-type]
        )

    def test_gives_up_with_the_reason_when_a_start_fails_again_and_again(
        self, tmp_path, supervisor
    ):
        supervisor.add(
            [self.service(tmp_path, "web", "echo no such table; exit 3", is_ready=lambda: False)]
        )
        with pytest.raises(EmbeddedError, match="web could not be started: no such table"):
            supervisor.wait_ready(["web"], timeout_s=30)

    def test_tells_a_full_disk_from_other_reasons(self, tmp_path, supervisor):
        script = "echo 'cannot write: No space left on device'; exit 1"
        supervisor.add([self.service(tmp_path, "web", script, is_ready=lambda: False)])
        with pytest.raises(EmbeddedError, match=r"The disk that holds .* is full"):
            supervisor.wait_ready(["web"], timeout_s=30)

    def test_starts_nothing_before_what_it_needs(self, tmp_path, supervisor):
        ready: list[bool] = []
        supervisor.add(
            [
                self.service(tmp_path, "web", "sleep 60", needs=("postgres",)),
                self.service(tmp_path, "postgres", "sleep 60", is_ready=lambda: bool(ready)),
            ]
        )
        supervisor.tick()
        with pytest.raises(StopIteration):
            process_id(tmp_path, "web")
        ready.append(True)
        supervisor.wait_ready(["web"], timeout_s=30)
        assert process_id(tmp_path, "web")

    def test_stops_in_order_and_kills_what_does_not_listen(self, tmp_path, signals):
        order = tmp_path / "order"
        supervisor = Supervisor(data_dir=tmp_path, signals=signals, say=print)
        polite = f"trap 'echo $NAME >> {order}; exit' TERM; echo up; while :; do sleep 0.05; done"
        deaf = "trap '' TERM; echo up; while :; do sleep 0.05; done"
        services = [
            self.service(tmp_path, "second", polite.replace("$NAME", "second"), stops_by=0.5),
            self.service(tmp_path, "first", polite.replace("$NAME", "first"), stops_by=0.1),
            self.service(tmp_path, "deaf", deaf, stops_by=0.9),
        ]
        supervisor.add(services)
        while any(service.log.read_text() == "" for service in services):
            supervisor.tick()
        supervisor.stop(timeout_s=1)
        assert order.read_text().split() == ["first", "second"]
        assert (tmp_path / "processes.json").read_text() == "[]\n"

    def test_leaves_no_child_of_a_child(self, tmp_path, supervisor, said):
        script = "sleep 60 & echo $!; exit 1"
        service = self.service(tmp_path, "worker", script)
        supervisor.add([service])
        while not said:
            supervisor.tick()
        grandchild = int(service.log.read_text().split()[0])
        while processes.birth(grandchild):
            supervisor.tick()

    def test_takes_its_children_along_when_it_is_killed(self, tmp_path):
        if not sys.platform.startswith("linux"):
            pytest.skip("elsewhere the next start stops them")
        script = (
            "import sys; from pathlib import Path; from veza.embedded.service import Service\n"
            "from veza.embedded.signals import Signals\n"
            "from veza.embedded.supervisor import Supervisor\n"
            "d = Path(sys.argv[1])\n"
            "with Signals().installed() as s:\n"
            "    v = Supervisor(data_dir=d, signals=s, say=print)\n"
            "    log = d / 'logs' / 'x.log'\n"
            "    v.add([Service(name='x', argv=('/bin/sleep', '60'), log=log, env={})])\n"
            "    print('up', flush=True); v.watch()\n"
        )
        root = Path(__file__).resolve().parents[3]
        with subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, cwd=root
        ) as parent:
            assert parent.stdout
            parent.stdout.readline()
            child = process_id(tmp_path, "x")
            assert processes.birth(child)
            parent.kill()
        while processes.birth(child):
            pass


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("mount") is None, reason="needs a small disk of its own"
)
class TestFullDisk:
    @pytest.fixture
    def small_disk(self, tmp_path):
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=30m", "none", str(tmp_path)], check=False
        )
        if mounted.returncode:
            pytest.skip("this machine does not let us mount one")
        yield tmp_path
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)

    def test_is_told_before_anything_is_started(self, small_disk):
        with pytest.raises(EmbeddedError, match="is full"), datadir.hold(small_disk):
            pass

    def test_is_told_when_postgres_cannot_make_its_files(self, small_disk):
        with pytest.raises(EmbeddedError, match="is full"):
            postgres_service(small_disk)
