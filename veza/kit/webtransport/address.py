"""Where the WebTransport server is, as it tells it to the web processes of its machine."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from veza.kit.webtransport.certificates import valid_in

PATH = "/wt"
_FILE = "listening.json"


@dataclass(frozen=True, kw_only=True)
class Listening:
    """It listens on `port`; clients may pin the certificates with these SHA-256 `hashes`."""

    port: int
    hashes: list[bytes]


def tell(folder: Path, *, port: int, is_own: bool) -> None:
    """It listens; `is_own`: with certificates of our own in this folder."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / f"{_FILE}.draft"
    draft.write_text(json.dumps({"port": port, "is_own": is_own}), encoding="ascii")
    draft.replace(folder / _FILE)


def withdraw(folder: Path) -> None:
    """It does not listen any more."""
    (folder / _FILE).unlink(missing_ok=True)


def find(folder: Path, *, now: datetime) -> Listening | None:
    """What was told last; None where nobody listens."""
    try:
        told = json.loads((folder / _FILE).read_text(encoding="ascii"))
        port, is_own = int(told["port"]), bool(told["is_own"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    hashes = [each.sha256 for each in valid_in(folder, now=now)] if is_own else []
    return Listening(port=port, hashes=hashes)
