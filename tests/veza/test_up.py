"""`manage.py up` as its user meets it: started, hurt, taken over, stopped."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest

from tests.patience import PATIENCE_S
from veza.embedded import datadir, processes, state
from veza.embedded.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")
NAMES = {
    "postgres", "valkey", "web", "worker", "beat", "relay", "capture", "projector", "rounds",
    "webtransport",
}  # fmt: skip


def environment(**more: str) -> dict[str, str]:
    """Nothing of the servers and settings that the tests themselves use."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ} | more


class Up:
    """One `manage.py up`; whatever happens in a test, nothing of it is left afterwards."""

    patience_s = PATIENCE_S

    def __init__(self, data_dir: Path, port: int, *options: str, **settings: str) -> None:
        self.data_dir, self.port = data_dir, port
        where = ("--data-dir", str(data_dir), "--port", str(port))
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "up", *where, *options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT,
            env=environment(VEZA_DATA_DIR=str(data_dir), **settings),
        )  # fmt: skip
        self._limit = threading.Timer(self.patience_s, self.process.kill)
        self._limit.start()
        self.printed: list[str] = []

    def wait_ready(self) -> "Up":
        """Read up to the line that promises answers."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.printed.append(line)
            if line == f"ready http://127.0.0.1:{self.port}\n":
                return self
        pytest.fail("It ended before it was ready:\n" + "".join(self.printed))

    def stay(self) -> None:
        """Let it run on for a story, which has limits of its own; nobody reads what it prints."""
        self._limit.cancel()
        assert self.process.stdout
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def restart(self, name: str) -> None:
        """End one of its processes, and wait until another has taken its place."""
        before = self.running()[name]
        os.kill(before, signal.SIGTERM)
        while self.running().get(name) in (before, None):
            time.sleep(0.05)
        self.answers_again()

    def running(self) -> Mapping[str, int]:
        return {entry["name"]: entry["pid"] for entry in state.read_processes(self.data_dir)}

    def status(self, path: str) -> int:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE_S
        ) as answer:
            status: int = answer.status
            return status

    def answers_again(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                if self.status("/readyz") == 200:
                    return

    def execute(self, statement: str) -> None:
        port = state.service_port(self.data_dir, "postgres")
        with psycopg.connect(f"postgres://postgres@127.0.0.1:{port}/veza") as connection:
            connection.execute(statement)

    def stop(self) -> int:
        """As Ctrl-C does; the exit code."""
        self.process.send_signal(signal.SIGINT)
        rest, _ = self.process.communicate()
        self.printed.append(rest)
        return self.process.returncode

    def end(self) -> None:
        self._limit.cancel()
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


@pytest.fixture
def up() -> Iterator[type[Up]]:
    started: list[Up] = []

    class Recorded(Up):
        def __init__(self, data_dir: Path, port: int, *options: str) -> None:
            started.append(self)
            super().__init__(data_dir, port, *options)

    yield Recorded
    for one in started:
        one.end()
        with datadir.hold(one.data_dir):  # stops whatever is left
            pass


class TestUp:
    def test_serves_heals_is_taken_over_and_stops(self, up, tmp_path):
        port = free_port()
        first = up(tmp_path, port).wait_ready()
        assert set(first.running()) == NAMES
        assert first.status("/healthz") == 200
        assert first.status("/readyz") == 200
        accounts = json.loads((tmp_path / "demo.json").read_text())["accounts"]
        assert all(account["password"] in "".join(first.printed) for account in accounts)
        first.execute("CREATE TABLE kept AS SELECT 42")

        before = first.running()
        for name in ("web", "postgres", "worker"):
            os.kill(before[name], signal.SIGKILL)
        hurt = set(before.items())
        while len(set(first.running().items()) - hurt) < 3 or set(first.running()) != NAMES:
            time.sleep(0.05)  # the processor belongs to what starts again
        first.answers_again()

        left = first.running()
        first.process.kill()
        second = up(tmp_path, port).wait_ready()
        assert not any(map(processes.birth, left.values()))
        assert "Making demo data" not in "".join(second.printed)
        second.execute("SELECT * FROM kept")

        left = second.running()
        assert second.stop() == 0
        assert not any(map(processes.birth, left.values()))
        assert state.read_processes(tmp_path) == []

    def test_runs_beside_another_and_refuses_the_directory_of_one_that_runs(self, up, tmp_path):
        one, two = up(tmp_path / "1", free_port(), "--no-demo"), None
        two = up(tmp_path / "2", free_port(), "--no-demo").wait_ready()
        one.wait_ready()
        assert (one.status("/readyz"), two.status("/readyz")) == (200, 200)
        assert not set(one.running().values()) & set(two.running().values())
        assert "rounds" not in two.running()
        third = _refused(tmp_path / "1", free_port())
        assert f"(process {one.process.pid})" in third
        assert one.status("/readyz") == 200
        two.process.send_signal(signal.SIGTERM)
        assert one.stop() == 0
        assert two.process.wait() == 0

    def test_stops_at_once_when_told_so_before_it_is_ready(self, up, tmp_path):
        early = up(tmp_path, free_port(), "--no-demo")
        assert early.process.stdout
        assert early.process.stdout.readline().startswith("Starting postgres")
        assert early.stop() == 0
        assert state.read_processes(tmp_path) == []


class TestRefusals:
    def test_a_taken_port_is_named_before_anything_is_made(self, tmp_path):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            assert f"Port {port} is taken" in _refused(tmp_path, port)
        assert not (tmp_path / "postgres").exists()

    def test_a_directory_of_a_newer_version(self, tmp_path):
        (tmp_path / "layout.json").write_text('{"layout": 99, "mark": "x"}')
        assert "newer Veza" in _refused(tmp_path, free_port())


def _refused(data_dir: Path, port: int) -> str:
    """The one sentence with which `up` ends."""
    done = subprocess.run(
        [sys.executable, "manage.py", "up", "--data-dir", str(data_dir), "--port", str(port)],
        capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE_S, check=False,
        env=environment(VEZA_DATA_DIR=str(data_dir)),
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    return done.stderr
