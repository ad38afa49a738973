"""P27: a disk that is full is told as 507, and nothing is left half done.

The store is a real file system of 50 MB in a mount namespace of the web process's own, which ends
with it. For that nobody has to be root, as long as the kernel lets users have namespaces.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from tests.apps.realtime.live import Live, Web, laid_out
from tests.apps.track.uploads.tus import PATH, Tus
from tests.veza.asgi.serving import is_alive
from tests.veza.asgi.wire import until
from veza.embedded.ports import free_port

MIB = 1024**2
DISK = "50m"
CHUNK = os.urandom(4 * MIB)
HEALS_WITHIN_S = 10
_MOUNT = 'mount -t tmpfs -o size={} tmpfs "$0" && exec "$@"'
_SWEEP = """
from datetime import timedelta
from django.utils import timezone
from apps.track.services import purge, upload_sweep
later = timezone.now() + timedelta(hours=25)
upload_sweep.finish_left_whole(now=timezone.now())
upload_sweep.remove_orphans(now=later)
purge.remove_orphans(now=later)
"""


@dataclass(kw_only=True)
class Cramped(Web):
    """A web process whose store is a small disk that only it sees."""

    store: Path

    def start(self) -> None:
        self.store.mkdir(exist_ok=True)
        own_user = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
        with self.log.open("ab") as out:
            self.process = started = subprocess.Popen(
                ["unshare", *own_user, "--mount", "sh", "-c", _MOUNT.format(DISK), str(self.store),
                 sys.executable, "manage.py", *self.arguments],
                cwd=settings.BASE_DIR, env=self.environment, stdout=out, stderr=out,
            )  # fmt: skip
        until(lambda: started.poll() is not None or self.is_ready(), timeout_s=60)
        assert started.poll() is None, self.log.read_text()[-3000:]

    @property
    def seen(self) -> Path:
        """The store as the process sees it."""
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/root{self.store}")

    def sweep(self) -> None:
        """What beat begins, a day later, on the same disk."""
        assert self.process is not None
        own_user = [] if os.getuid() == 0 else ["--user", "--preserve-credentials"]
        subprocess.run(
            ["nsenter", f"--target={self.process.pid}", *own_user, "--mount",
             f"--wd={settings.BASE_DIR}", sys.executable, "manage.py", "shell", "--no-imports",
             "-c", _SWEEP],
            env=self.environment, check=True, capture_output=True,
        )  # fmt: skip


@pytest.fixture
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """For each test anew: what the tables know lay on a disk that is gone with its test."""
    with laid_out(tmp_path_factory.mktemp("full")) as live:
        live.relay.start()
        yield live


@pytest.fixture
def web(live: Live) -> Iterator[Cramped]:
    port = free_port()
    web = Cramped(
        arguments=["web", "--port", str(port)],
        environment=live.environment(DJANGO_SETTINGS_MODULE="veza.settings"),
        log=live.folder / "cramped.log", port=port, store=live.folder / "storage",
        is_ready=lambda: is_alive(port),
    )  # fmt: skip
    web.start()
    yield web
    web.end()


def fill(web: Cramped, tus: Tus) -> tuple[list[str], set[int]]:
    """Upload in each of the ways until nothing fits any more; the uploads, and the statuses."""
    uploads, refusals = [], set()
    for _ in range(40):
        begun = tus.create(len(CHUNK))
        uploads.append(begun)
        at_once = tus.ask(
            "POST", PATH, f"Upload-Length: {len(CHUNK)}",
            "Content-Type: application/offset+octet-stream", body=CHUNK,
        )  # fmt: skip
        answers = [tus.patch(begun, 0, CHUNK).status, at_once.status]
        whole = web.call(
            "POST", "/api/v1/tracks", headers=tus.account.headers,
            files={"file": ("noise.wav", CHUNK)},
        )  # fmt: skip
        answers.append(whole.status_code)
        if at_once.status == 201:
            uploads.append(at_once.headers["location"])
        refused = [status for status in answers if status >= 400]
        refusals |= set(refused)
        if len(refused) == len(answers):
            return uploads, refusals
    raise AssertionError("The disk was never full.")


def files(web: Cramped) -> set[str]:
    """The keys of what lies on the disk, whole or not."""
    found = set()
    for path in web.seen.rglob("*"):
        if path.is_file():
            name = str(path.relative_to(web.seen))
            if name.startswith(".uploads/"):
                name = name.removeprefix(".uploads/").rpartition(".")[0].replace("+", "/")
            found.add(name)
    return found


def rows(live: Live) -> set[str]:
    """The keys of what must lie there, by the tables."""
    uploads = live.query(
        "SELECT key FROM track_upload WHERE offset_bytes > 0 AND state IN ('receiving', 'finished')"
    )
    return {key for (key,) in uploads + live.query("SELECT source_key FROM track_trackversion")}


def may_lie(live: Live) -> set[str]:
    """As `rows`, and what was begun."""
    begun = live.query("SELECT key FROM track_upload WHERE state = 'receiving'")
    return rows(live) | {key for (key,) in begun}


def test_full_disk_is_told_and_heals(live: Live, web: Cramped) -> None:
    tus = Tus(port=web.port, account=web.register())

    uploads, refusals = fill(web, tus)

    assert refusals == {507}
    told = web.call(
        "POST", "/api/v1/tracks", headers=tus.account.headers, files={"file": ("n.wav", CHUNK)}
    )
    assert (told.status_code, told.json()["code"]) == (507, "storage_full")
    assert told.headers["Content-Type"] == "application/problem+json"
    assert web.call("GET", "/api/v1/tracks").status_code == 200  # the rest goes on
    assert web.call("GET", "/healthz").status_code == 200
    for path in uploads:  # what was acknowledged is there, and no more is claimed
        row_size = live.query(
            "SELECT offset_bytes FROM track_upload WHERE id = %s", path.rpartition("/")[2]
        )[0][0]
        assert tus.offset(path) == row_size

    web.sweep()
    assert rows(live) <= files(web) <= may_lie(live)

    half, started = uploads[0], time.monotonic()
    for path in uploads[1:4]:
        assert tus.ask("DELETE", path).status == 204
    while tus.ask("POST", PATH, "Upload-Length: 5").status != 201:
        assert time.monotonic() - started < HEALS_WITHIN_S
    again = tus.create(len(CHUNK))
    assert tus.patch(again, 0, CHUNK).status == 204
    assert time.monotonic() - started < HEALS_WITHIN_S
    assert tus.offset(half) == len(CHUNK)
    web.sweep()
    assert rows(live) <= files(web) <= may_lie(live)


def test_upload_that_did_not_fit_goes_on_where_it_was(live: Live, web: Cramped) -> None:
    tus = Tus(port=web.port, account=web.register())
    content = os.urandom(40 * MIB)
    path = tus.create(len(content))
    ballast = web.seen / "ballast"
    ballast.write_bytes(bytes(30 * MIB))

    refused = tus.patch(path, 0, content)
    kept = tus.offset(path)
    ballast.unlink()
    done = tus.patch(path, kept, content[kept:])

    assert (refused.status, refused.document["code"]) == (507, "storage_full")
    assert (done.status, tus.offset(path)) == (204, len(content))
    [(key,)] = live.query("SELECT key FROM track_upload WHERE id = %s", path.rpartition("/")[2])
    assert (web.seen / key).read_bytes() == content
