"""P29: a hundred uploads that are killed between file and commit, or just left, leave nothing."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apps.realtime.live import Live, installed
from tests.apps.track.uploads.tus import Tus
from tests.faults.dying_uploads import CONTENT
from tests.veza.asgi.wire import until

COUNT = 100
SETTINGS = {"DJANGO_SETTINGS_MODULE": "veza.settings"}
_DIE = """
from uuid import UUID
from tests.faults.dying_uploads import main
main(UUID("{}"), {})
"""
_SWEEP = """
from datetime import timedelta
from django.utils import timezone
from apps.track.services import purge, upload_sweep
later = timezone.now() + timedelta(hours=25)
upload_sweep.finish_left_whole(now=timezone.now())
upload_sweep.remove_orphans(now=later)
purge.remove_orphans(now=later)
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with installed(tmp_path_factory.mktemp("abandoned"), **SETTINGS) as live:
        yield live


def sweep(live: Live) -> None:
    live.shell.run(_SWEEP)


def on_disk(root: Path) -> dict[str, int]:
    """Keys of whole files and of pieces, with their sizes."""
    found: dict[str, int] = {}
    for path in root.rglob("*"):
        if path.is_file():
            name = str(path.relative_to(root))
            if name.startswith(".uploads/"):
                name = name.removeprefix(".uploads/").rpartition(".")[0].replace("+", "/")
            found[name] = found.get(name, 0) + path.stat().st_size
    return found


def check_files_and_rows(live: Live, root: Path) -> None:
    """Each has the other, and finished uploads hold what was sent."""
    files = on_disk(root)
    states = dict(live.query("SELECT key, state FROM track_upload"))
    sources = {key for (key,) in live.query("SELECT source_key FROM track_trackversion")}
    assert not any(key.startswith(".unfinished") for key in files)
    assert set(files) <= set(states) | sources
    finished = {key for key, state in states.items() if state == "finished"}
    assert finished | sources <= set(files)
    for key in finished:
        digest = hashlib.sha256((root / key).read_bytes()).hexdigest()
        assert digest in {hashlib.sha256(each).hexdigest() for each in (CONTENT, b"0123456789")}


def test_files_and_rows_are_the_same_after_the_sweep(live: Live) -> None:
    root = live.folder / "storage"
    web = live.web
    account = web.register()
    tus = Tus(port=web.port, account=account)
    halves = [tus.create(10) for _ in range(5)]
    for path in halves:
        assert tus.patch(path, 0, b"01234").status == 204
    wholes = [tus.create(10) for _ in range(5)]
    for path in wholes:
        assert tus.patch(path, 0, b"0123456789").status == 204
    live.manage("shell", "--no-imports", "-c", _DIE.format(account.id, COUNT))
    before = set(on_disk(root))

    def is_all_finished() -> bool:
        """Whoever was killed holds his upload for two seconds more."""
        sweep(live)
        return not live.query(
            "SELECT 1 FROM track_upload WHERE state = 'receiving' AND offset_bytes = size_bytes"
        )

    until(is_all_finished, timeout_s=60)

    assert len(before) > len(on_disk(root))  # there was something to sweep
    check_files_and_rows(live, root)
    # Those that live were not touched, and go on.
    for path in halves:
        assert tus.offset(path) == 5
        assert tus.patch(path, 5, b"56789").status == 204
    for path in wholes:
        assert live.query(
            "SELECT state FROM track_upload WHERE id = %s", path.rpartition("/")[2]
        ) == [("finished",)]
