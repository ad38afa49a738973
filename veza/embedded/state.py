"""What a data directory remembers: running processes, secrets, and the layout's version.

Read by `veza.config` before Django is set up, so nothing here may import Django.
"""

import contextlib
import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import NotRequired, TypedDict, cast

SECRET_NAMES = ("SECRET_KEY", "ENCRYPTION_KEYS", "INTERNAL_API_SECRET", "CHAT_TOKEN_SECRET")


class ProcessEntry(TypedDict):
    """A running process; `born` tells it from a later one with the same number."""

    name: str
    pid: int
    port: int | None
    born: NotRequired[str]


def read_processes(data_dir: Path) -> list[ProcessEntry]:
    """What `manage.py up` last wrote to processes.json; empty when nothing runs."""
    try:
        entries: object = json.loads((data_dir / "processes.json").read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return []
    if not isinstance(entries, list):
        return []
    return [
        cast(ProcessEntry, e)
        for e in entries
        if isinstance(e, dict) and {"name", "pid"} <= e.keys()
    ]


def service_port(data_dir: Path, name: str) -> int | None:
    """The port on which the named embedded service listens, if it runs."""
    return next((e["port"] for e in read_processes(data_dir) if e["name"] == name), None)


def write_processes(data_dir: Path, entries: list[ProcessEntry]) -> None:
    write_private(data_dir / "processes.json", json.dumps(entries, indent=1) + "\n")


def forget_processes(data_dir: Path) -> None:
    """Nothing runs any more."""
    (data_dir / "processes.json").unlink(missing_ok=True)


def load_secrets(data_dir: Path) -> dict[str, str]:
    """The embedded secrets, made once for a data directory and readable by its owner only."""
    path = data_dir / "secrets.json"
    known: dict[str, str] = {}
    is_new = False
    try:
        known = json.loads(path.read_text())
    except FileNotFoundError:
        is_new = True  # another process may make it meanwhile
    missing = [name for name in SECRET_NAMES if name not in known]
    if not missing:
        return known
    known |= {name: secrets.token_urlsafe(48) for name in missing}
    data_dir.mkdir(parents=True, exist_ok=True)
    text = json.dumps(known, indent=1) + "\n"
    if not is_new:
        write_private(path, text)
        return known
    return _create_once(path, text)


def _create_once(path: Path, text: str) -> dict[str, str]:
    """Two first starts at once must agree: the file appears whole, and the first one wins."""
    draft = _draft(path, text)
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    known: dict[str, str] = json.loads(path.read_text())
    return known


def write_private(path: Path, text: str) -> None:
    """Replace the file in one step, readable by its owner only."""
    _draft(path, text).replace(path)


def _draft(path: Path, text: str) -> Path:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
    except OSError:
        Path(name).unlink()
        raise
    return Path(name)
