"""The data directory: whose it is at the moment, and whether this version may use it.

Layout 1: postgres/ and valkey/ (the servers' own), logs/, metrics/, processes.json, secrets.json,
layout.json (the version and a name that marks our processes), lock (held while `up` runs).
"""

import errno
import fcntl
import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from veza.embedded import processes, state
from veza.embedded.errors import EmbeddedError, disk_error, disk_full

LAYOUT = 1
UNWRITABLE = {
    errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST,
}  # fmt: skip
LEAST_FREE_BYTES = 64 * 1024**2
LEAST_FREE_BYTES_AT_FIRST = 256 * 1024**2


@contextmanager
def hold(data_dir: Path) -> Iterator[str]:
    """The directory is ours for the length of the block, and no earlier process of ours is left.

    Yields the mark for our processes. Raises EmbeddedError: another supervisor holds it, a newer
    version wrote it, or its disk is full or not writable.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (data_dir / "lock").open("a+", encoding="ascii") as lock:
            _take(lock, data_dir)
            yield _prepare(data_dir)
            state.forget_processes(data_dir)
    except OSError as error:
        if error.errno in UNWRITABLE:
            raise disk_error(error, data_dir) from error
        raise


def _take(lock: Any, data_dir: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "another process"
        raise EmbeddedError(
            f"Veza runs already on {data_dir} (process {holder}): "
            "stop that one, or choose another VEZA_DATA_DIR and PORT."
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()


def _prepare(data_dir: Path) -> str:
    mark = _check_layout(data_dir)
    processes.stop_left_over(lambda: processes.left_over(state.read_processes(data_dir), mark=mark))
    state.forget_processes(data_dir)
    first = not (data_dir / "postgres").exists()
    _check_space(data_dir, LEAST_FREE_BYTES_AT_FIRST if first else LEAST_FREE_BYTES)
    return mark


def _check_layout(data_dir: Path) -> str:
    path = data_dir / "layout.json"
    try:
        layout = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        layout = {"layout": LAYOUT, "mark": secrets.token_hex(16)}
        state.write_private(path, json.dumps(layout) + "\n")
    except ValueError:
        layout = {}
    match layout:
        case {"layout": int(version), "mark": str(mark)} if version <= LAYOUT:
            return mark
        case {"layout": int(version)} if version > LAYOUT:
            raise EmbeddedError(
                f"{data_dir} was written by a newer Veza (layout {version}, this one knows "
                f"{LAYOUT}): start that version, or choose another VEZA_DATA_DIR."
            )
    raise EmbeddedError(
        f"{path} is damaged: delete that file, your data is elsewhere, and start again."
    )


def _check_space(data_dir: Path, least: int) -> None:
    if shutil.disk_usage(data_dir).free < least:
        raise disk_full(data_dir)


def check_postgres_version(cluster: Path, postgres: Path) -> None:
    """Raise EmbeddedError when another major version of PostgreSQL wrote the cluster."""
    shown = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=True)
    ours = shown.stdout.split()[-1].partition(".")[0]
    theirs = (cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    if ours != theirs:
        raise EmbeddedError(
            f"{cluster} belongs to PostgreSQL {theirs} and this Veza brings PostgreSQL {ours}: "
            f"choose another VEZA_DATA_DIR, or start the version of Veza that wrote it."
        )
