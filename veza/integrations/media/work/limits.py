"""What a worker gives up before it looks at a file."""

import ctypes
import os
import resource
import signal
import sys
from typing import Any

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
MAX_FILES = 64
MAX_FILE_BYTES = 64 * 1024**2  # a segment has some 200 kB


def limit(options: dict[str, Any]) -> None:
    """Memory, time, sizes, descriptors, core dumps; and not to outlive who asked."""
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_NOFILE, MAX_FILES)
    _set(resource.RLIMIT_FSIZE, MAX_FILE_BYTES)
    _set(resource.RLIMIT_CPU, int(options["timeout_s"]))
    if sys.platform.startswith("linux"):  # elsewhere address space is not what memory is
        _set(resource.RLIMIT_AS, int(options["memory_bytes"]))
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if os.getppid() != options["parent"]:  # it died before we asked
            os.kill(os.getpid(), signal.SIGKILL)


def _set(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))
