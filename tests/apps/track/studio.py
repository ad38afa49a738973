"""The product with a worker that makes tracks, and a scanner of its own that may be broken."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.services import clamd
from tests.apps.realtime.live import Account, Live, Program, laid_out
from tests.apps.track.uploads.tus import Tus
from tests.patience import PATIENCE_S
from tests.veza.asgi.wire import until
from veza.embedded.ports import free_port

TRACKS = "/api/v1/tracks"
ENDED = ("ready", "rejected", "failed")
WORKERS = 2


@dataclass(kw_only=True)
class Scanner:
    """A real clamd that knows the EICAR test file, and what else it is taught by `hashes`, lines
    of a database of MD5. `largest` is what it takes of a stream, `scans` what it looks into.
    """

    folder: Path
    hashes: str = ""
    largest: str = clamd.STREAM_MAX
    scans: str = clamd.FILE_MAX
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it answers."""
        recipe = clamd.installed()
        assert recipe is not None, "clamd is not installed"
        assert recipe.prepare is not None
        recipe.prepare(self.folder)
        if self.hashes:
            (self.folder / "signatures" / "tests.hdb").write_text(self.hashes)
        argv = recipe.launch(self.folder, self.port).argv
        self._limit()
        with (self.folder / "clamd.log").open("ab") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log)
        until(self._answers, timeout_s=20)

    def _limit(self) -> None:
        path = self.folder / "clamd.conf"
        text = path.read_text()
        for name, old, new in (
            ("StreamMaxLength", clamd.STREAM_MAX, self.largest),
            ("MaxFileSize", clamd.FILE_MAX, self.scans),
        ):
            assert f"{name} {old}\n" in text
            text = text.replace(f"{name} {old}\n", f"{name} {new}\n")
        path.write_text(text)

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as link:
            link.sendall(b"zPING\0")
            return link.recv(10) == b"PONG\0"
        return False


@dataclass(kw_only=True)
class Studio:
    """Somebody who uploads, and everything that makes tracks of it."""

    live: Live
    worker: Program
    scanner: Scanner
    account: Account

    @property
    def tus(self) -> Tus:
        return Tus(port=self.live.web.port, account=self.account)

    def call(self, method: str, path: str, **options: Any) -> Any:
        return self.live.web.call(method, path, headers=self.account.headers, **options)

    def send(self, content: bytes, name: str = "song.wav", **told: str) -> str:
        """The id of a new track of this file."""
        files = {"file": (name, content)}
        answer = self.call("POST", TRACKS, files=files, data={"visibility": "public", **told})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def status(self, track_id: str) -> dict[str, Any]:
        said: dict[str, Any] = self.call("GET", f"{TRACKS}/{track_id}/status").json()
        return said

    def verdict(self, track_id: str) -> dict[str, Any]:
        """How the making of it ended."""
        deadline = time.monotonic() + PATIENCE_S
        while (said := self.status(track_id))["status"] not in ENDED:
            assert time.monotonic() < deadline, said
            time.sleep(0.1)
        return said

    def newest(self, track_id: str) -> dict[str, Any]:
        """The newest version of a track, once it has ended."""

        def shown() -> dict[str, Any]:
            versions = self.call("GET", f"{TRACKS}/{track_id}/versions").json()
            found: dict[str, Any] = max(versions["results"], key=lambda each: each["n"])
            return found

        until(lambda: shown()["status"] in ENDED)
        return shown()

    def children(self) -> set[int]:
        """The processes below the worker's own, which run tasks."""
        assert self.worker.process is not None
        pid = self.worker.process.pid
        return {int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


@contextmanager
def studio(folder: Path, *, hashes: str = "", largest: str = clamd.STREAM_MAX) -> Iterator[Studio]:
    """All of it on a database and with files of its own; all is gone afterwards."""
    scanner = Scanner(folder=folder / "clamd", hashes=hashes, largest=largest)
    scanner.folder.mkdir()
    settings = {
        "DJANGO_SETTINGS_MODULE": "veza.settings", "CLAMD_URL": scanner.url,
        "CLAMD_TIMEOUT_S": "2", "UPLOAD_QUOTA_BYTES": str(50 * 1024**3),
    }  # fmt: skip
    with laid_out(folder, **settings) as live:
        log = folder / "worker.log"
        worker = Program(
            arguments=["worker", "--concurrency", str(WORKERS), "--name", f"studio{os.getpid()}"],
            environment=live.environment(), log=log,
            is_ready=lambda: log.exists() and "Taking tasks" in log.read_text(),
        )  # fmt: skip
        try:
            scanner.start()
            for program in (live.web, live.relay, worker):
                program.start()
            yield Studio(live=live, worker=worker, scanner=scanner, account=live.web.register())
        finally:
            worker.kill()
            scanner.kill()
