"""The worker's process: what it may do, and what becomes of those who ask when it dies."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.factories import sound
from tests.patience import PATIENCE_S
from veza.integrations.media import CorruptError, MediaUnavailableError, process
from veza.kit.errors import StorageFullError

ROOT = Path(__file__).resolve().parents[4]
linux = pytest.mark.skipif(sys.platform != "linux", reason="what only Linux' kernel offers")


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return sound.write_tone(tmp_path / "song.wav")


@pytest.fixture
def worker(monkeypatch, tmp_path: Path) -> Callable[[str], None]:
    """Let this Python be the worker."""

    def become(code: str) -> None:
        script = tmp_path / "worker.py"
        script.write_text("import json, sys, time, os, signal\n" + code)
        monkeypatch.setattr(process, "SCRIPT", script)

    return become


READY = 'print(json.dumps({"ready": True}), flush=True)\n'


class TestDeath:
    @pytest.mark.parametrize(
        "code",
        [
            READY + "os.kill(os.getpid(), signal.SIGSEGV)",
            READY + "os.kill(os.getpid(), signal.SIGKILL)",
            READY + "os.abort()",
            READY + "sys.exit(3)",
            READY + "raise ValueError",
            READY,
            READY + "print('no json')",
            READY + "print('[]')",
            READY + 'print(\'{"progress": "much"}\')',
            READY + "print('{\"result\": {}}'); sys.stdout.flush(); os.abort()",
            READY + 'print(\'{"refused": "for no reason"}\')',
            READY + "sys.stderr.write('x' * 10_000_000); sys.exit(1)",
            READY + "sys.stdout.write('x' * 50_000_000)",
            READY + "os.close(1); os.close(2); time.sleep(60)",
        ],
    )
    def test_is_told_as_a_fault_of_the_file(self, child, worker, song, monkeypatch, code):
        monkeypatch.setattr(process, "QUIET_S", 2.0)
        worker(code)

        with pytest.raises(CorruptError) as refusal:
            child.probe(song)

        assert str(refusal.value).endswith(".")

    @pytest.mark.parametrize(
        "code",
        ["sys.exit(1)", "import nothing_of_this_name", READY + "os.kill(os.getpid(), 15)"],
    )
    def test_that_has_nothing_to_do_with_the_file_is_told_so(self, child, worker, song, code):
        worker(code)

        with pytest.raises(MediaUnavailableError):
            child.probe(song)

    def test_a_python_that_is_not_there_is_no_fault_of_the_file(self, child, song, monkeypatch):
        monkeypatch.setattr(sys, "executable", "/nowhere/python")

        with pytest.raises(MediaUnavailableError):
            child.probe(song)

    def test_a_file_that_is_not_there_is_no_fault_of_it(self, child, tmp_path):
        with pytest.raises(MediaUnavailableError):
            child.probe(tmp_path / "nothing")


class TestTime:
    def test_a_worker_that_comes_no_further_is_killed_with_its_group(
        self, child, worker, song, monkeypatch, tmp_path
    ):
        monkeypatch.setattr(process, "QUIET_S", 1.0)
        worker(
            f"child = os.fork()\nopen({str(tmp_path / 'pids')!r}, 'a').write(f'{{os.getpid()}} ')\n"
            + READY
            + "time.sleep(600)"
        )
        began = time.monotonic()

        with pytest.raises(CorruptError, match="longer"):
            child.probe(song)

        assert time.monotonic() - began < PATIENCE_S
        for pid in map(int, (tmp_path / "pids").read_text().split()):
            assert is_gone(pid)

    def test_a_worker_that_always_comes_further_has_an_end(self, child, worker, song, settings):
        settings.MEDIA_TIMEOUT_S = 2
        worker(READY + "n = 0\nwhile True:\n n += 1\n print('{\"progress\": %d}' % n, flush=True)")
        began = time.monotonic()

        with pytest.raises(CorruptError, match="longer"):
            child.probe(song)

        assert time.monotonic() - began < PATIENCE_S

    @linux
    def test_a_worker_does_not_outlive_who_asked(self, tmp_path):
        """The asking process is killed; the kernel then kills the worker."""
        path = sound.write_tone(tmp_path / "a", sound.FLAC, seconds=600)
        (tmp_path / "hls").mkdir()
        asking = subprocess.Popen(
            [sys.executable, "-c", ASK, str(path), str(tmp_path / "hls")],
            cwd=ROOT, env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert asking.stdout
        assert asking.stdout.readline() == "begun\n"
        workers = children_of(asking.pid)

        asking.kill()
        asking.wait(PATIENCE_S)
        asking.stdout.close()

        assert len(workers) == 1
        assert is_gone(workers[0])


ASK = """
import sys
from pathlib import Path
import django
django.setup()
from veza.integrations.media.child import ChildProcessMedia
said = []
def tell(fraction):
    if not said:
        print("begun", flush=True)
    said.append(fraction)
ChildProcessMedia().transcode_hls(Path(sys.argv[1]), Path(sys.argv[2]), tell)
"""


def children_of(parent: int) -> list[int]:
    text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(each) for each in text.split()]


def is_gone(pid: int) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":  # dead, and nobody has asked for its status yet
            return True
        pause.wait(0.05)
    return False


@linux
class TestLimits:
    def test_the_default_memory_is_enough_for_what_is_taken(self, child, tmp_path):
        """Eight channels at 192 kHz, and the three renditions of it."""
        (tmp_path / "hls").mkdir()
        mono = sound.tone(seconds=4, rate=192_000, level=0.05)
        path = sound.write(tmp_path / "a", np.vstack([mono] * 8), sound.FLAC, rate=192_000)

        assert child.analyse(path).duration_ms == 4000
        assert child.transcode_hls(path, tmp_path / "hls", lambda _: None).duration_ms == 4000

    def test_a_full_disk_is_no_fault_of_the_file(self, child, worker, song, tmp_path):
        (tmp_path / "hls").mkdir()
        worker(READY + 'print(\'{"refused": "storage_full"}\')')

        with pytest.raises(StorageFullError):
            child.preview(song, tmp_path / "hls")

    def test_neither_environment_nor_files_nor_network_reach_the_worker(
        self, tmp_path, monkeypatch
    ):
        """The sandbox, asked from inside."""
        monkeypatch.setenv("SECRET_KEY", "canary")
        (tmp_path / "writable").mkdir()
        (tmp_path / "secret").write_text("canary")
        code = INSIDE.format(root=str(ROOT), place=str(tmp_path), paths=sys.path)
        asked = subprocess.run(
            [sys.executable, "-I", "-S", "-c", code],
            env=process.ENVIRONMENT, check=True, capture_output=True, text=True, timeout=PATIENCE_S,
        )  # fmt: skip

        assert json.loads(asked.stdout) == {
            "write": "done", "read": "PermissionError", "beside": "PermissionError",
            "settings": "PermissionError", "passwd": "PermissionError",
            "socket": "PermissionError", "program": "PermissionError",
            "kill": "PermissionError", "environment": "done", "memory": "MemoryError",
        }  # fmt: skip


INSIDE = """
import sys
sys.path[:] = {paths!r}
import json, os, socket, ctypes
from pathlib import Path
from veza.integrations.media.work import limits, sandbox
place = Path({place!r})
limits.limit({{"timeout_s": 20, "memory_bytes": 2**30, "parent": os.getppid()}})
sandbox.close_doors(writable=place / "writable", readable=[Path(os.__file__).parent])
def outcome(act):
    try:
        act()
    except (OSError, MemoryError) as fault:
        return type(fault).__name__
    return "done"
def environment():
    if "SECRET_KEY" in os.environ:
        raise ValueError
print(json.dumps({{
    "write": outcome(lambda: (place / "writable/a").write_text("a")),
    "read": outcome(lambda: (place / "secret").read_text()),
    "beside": outcome(lambda: (place / "b").write_text("b")),
    "settings": outcome(lambda: (Path({root!r}) / "pyproject.toml").read_text()),
    "passwd": outcome(lambda: Path("/etc/passwd").read_text()),
    "socket": outcome(socket.socket),
    "program": outcome(lambda: os.execv("/bin/true", ["true"])),
    "kill": outcome(lambda: os.kill(os.getppid(), 0)),
    "environment": outcome(environment),
    "memory": outcome(lambda: bytearray(2**31)),
}}))
"""
