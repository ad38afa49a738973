"""Become another program, tied to the life of the process that asked for it.

Run as a script: `launch.py --parent PID --signal N [--namespace|--become --uid U --gid G] -- ...`.
The process id stays the same, so the supervisor watches the program itself. Standard library
only: it is started with `-I -S` and takes some 20 ms.

`--namespace` enters a user namespace in which root is an ordinary user, because PostgreSQL
refuses to run as root; files still belong to root outside. `--become` changes the user for good.
"""

import argparse
import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000


def main(arguments: list[str]) -> None:
    """Prepare as the options say, then replace this process. Exits 127 when that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--signal", type=int, default=int(signal.SIGTERM))
    parser.add_argument("--namespace", action="store_true")
    parser.add_argument("--become", action="store_true")
    parser.add_argument("--uid", type=int, default=0)
    parser.add_argument("--gid", type=int, default=0)
    parser.add_argument("argv", nargs="+")
    options = parser.parse_args(arguments)
    try:
        if options.namespace:
            enter_user_namespace(uid=options.uid, gid=options.gid)
        elif options.become:
            become(uid=options.uid, gid=options.gid)
        end_with_parent(options.signal, parent=options.parent)
        os.execv(options.argv[0], options.argv)  # noqa: S606
    except OSError as error:
        print(f"{options.argv[0]}: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(127)


def end_with_parent(number: int = signal.SIGTERM, *, parent: int | None = None) -> None:
    """Have the kernel signal this process when its parent dies. Linux only; elsewhere nothing."""
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid() if parent is None else parent
    _libc().prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), number)


def enter_user_namespace(*, uid: int, gid: int) -> None:
    """Be `uid` and `gid` from here on, while the outside still sees who we were.

    Raises OSError where the machine does not allow it.
    """
    if not sys.platform.startswith("linux"):
        raise OSError("user namespaces are Linux's")
    outside_uid, outside_gid = os.geteuid(), os.getegid()
    if _libc().unshare(CLONE_NEWUSER) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"no user namespace: {os.strerror(number)}")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{gid} {outside_gid} 1", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{uid} {outside_uid} 1", encoding="ascii")


def become(*, uid: int, gid: int) -> None:
    """Drop root for good."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


if __name__ == "__main__":
    main(sys.argv[1:])
