"""Where our own instances live, and how runs side by side keep out of each other's way."""

import contextlib
import fcntl
import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def services_dir(environ: Mapping[str, str]) -> Path:
    """VEZA_SERVICES_DIR, else `services` in the data directory."""
    if chosen := environ.get("VEZA_SERVICES_DIR"):
        return Path(chosen).resolve()
    return Path(environ.get("VEZA_DATA_DIR") or ROOT / ".veza").resolve() / "services"


def fingerprint(directory: Path) -> str:
    """Tells two copies on one machine apart."""
    return hashlib.sha256(str(directory).encode()).hexdigest()[:8]


def database_name(directory: Path, *, slot: int) -> str:
    return f"veza_{fingerprint(directory)}_{slot}"


@contextlib.contextmanager
def locked(directory: Path, *, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the right to start and stop instances; `on_wait` is called if that takes a while."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def slot(directory: Path) -> Iterator[int]:
    """The lowest number that no other run uses now: each run has databases of its own."""
    directory.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        for number in itertools.count():
            file = held.enter_context((directory / f"slot-{number}").open("w"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield number
            return
