"""As whom PostgreSQL runs: it refuses root, and initdb wants a user with a name."""

import os
import pwd
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from veza.embedded import launch
from veza.embedded.errors import EmbeddedError

ORDINARY_USERS = ("postgres", "nobody")


@dataclass(frozen=True, kw_only=True)
class Account:
    """How `launch` makes a program an ordinary user's; `as_we_are` changes nothing."""

    way: Literal["as_we_are", "namespace", "become"]
    uid: int
    gid: int

    @property
    def options(self) -> tuple[str, ...]:
        """The options of `launch` that bring this about."""
        if self.way == "as_we_are":
            return ()
        return (f"--{self.way}", "--uid", str(self.uid), "--gid", str(self.gid))


def launched(argv: tuple[str, ...], *, account: Account, signal_number: int) -> tuple[str, ...]:
    """`argv` as `account`, signalled when the present process dies."""
    script = str(Path(launch.__file__))
    tie = ("--parent", str(os.getpid()), "--signal", str(int(signal_number)))
    return (sys.executable, "-I", "-S", script, *tie, *account.options, "--", *argv)


def as_we_are() -> Account:
    return Account(way="as_we_are", uid=os.geteuid(), gid=os.getegid())


def choose_account(*, directory: Path, probe: tuple[str, ...]) -> Account:
    """The account that may run the program `probe` and write `directory`, which exists.

    A directory that already belongs to an ordinary user stays his. Raises EmbeddedError.
    """
    if os.geteuid() != 0 and _has_name(os.geteuid()):
        return as_we_are()
    for account in _candidates(directory.stat().st_uid):
        if _may_run(account, directory=directory, probe=probe):
            if account.way == "become":
                _give(directory, account)
            return account
    raise EmbeddedError(
        "PostgreSQL refuses to run as root and this machine lets it be nobody else here: "
        "start Veza as an ordinary user, or set DATABASE_URL to a server of yours."
    )


def _candidates(owner: int) -> list[Account]:
    ordinary = [_entry(name) for name in ORDINARY_USERS]
    namespaces = [Account(way="namespace", uid=e.pw_uid, gid=e.pw_gid) for e in ordinary if e]
    users = [Account(way="become", uid=e.pw_uid, gid=e.pw_gid) for e in ordinary if e]
    if os.geteuid() != 0:
        return namespaces[:1]
    if owner != 0:
        return [Account(way="become", uid=owner, gid=_group_of(owner))]
    return namespaces[:1] + users


def _entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _has_name(uid: int) -> bool:
    return any(entry.pw_uid == uid for entry in pwd.getpwall())


def _group_of(uid: int) -> int:
    return next((entry.pw_gid for entry in pwd.getpwall() if entry.pw_uid == uid), uid)


def _may_run(account: Account, *, directory: Path, probe: tuple[str, ...]) -> bool:
    """Whether `account` reaches the program and the directory, which may yet have to be given."""
    argv = launched(
        ("/bin/sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(directory.parent), *probe),
        account=account,
        signal_number=signal.SIGKILL,
    )
    done = subprocess.run(argv, capture_output=True, timeout=30, check=False)
    return done.returncode == 0


def _give(directory: Path, account: Account) -> None:
    for path in (directory, *directory.rglob("*")):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
