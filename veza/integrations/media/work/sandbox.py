"""Doors that the kernel closes, where it can: files, the network, other programs. Linux only.

A decoder that is taken over finds nothing to open: Landlock (landlock(7)) leaves one folder to
write into and installed code to read, seccomp (seccomp(2)) neither sockets nor other programs.
What the kernel does not know is left out; the limits and FFmpeg's own lists hold without it.
"""

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
LANDLOCK_RULE_PATH_BENEATH = 1
# Rights of the first version: execute, write and read files, read folders, remove and make.
ALL_RIGHTS = (1 << 13) - 1
READ_FILE, WRITE_FILE, READ_DIR = 1 << 2, 1 << 1, 1 << 3
REMOVE_FILE, MAKE_FILE, MAKE_DIR = 1 << 5, 1 << 8, 1 << 7
CODE = READ_FILE | READ_DIR
INSIDE = READ_FILE | WRITE_FILE | READ_DIR | REMOVE_FILE | MAKE_FILE | MAKE_DIR

LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, REFUSE = 0x7FFF_0000, 0x0005_0000 | 1  # with EPERM
KILL = 0x8000_0000
OFFSET_OF_NUMBER, OFFSET_OF_MACHINE = 0, 4
# By machine its AUDIT_ARCH, then socket, socketpair, connect, bind, listen, sendto, sendmsg,
# execve, execveat, ptrace, process_vm_readv, process_vm_writev, io_uring_setup, bpf,
# mount, kill.
FORBIDDEN = {
    "x86_64": (0xC000003E, (41, 53, 42, 49, 50, 44, 46, 59, 322, 101, 310, 311, 425, 321,
                            165, 62)),
    "aarch64": (0xC00000B7, (198, 199, 203, 200, 201, 206, 211, 221, 281, 117, 270, 271, 425, 280,
                             40, 129)),
}  # fmt: skip


def close_doors(*, writable: Path | None, readable: Iterable[Path]) -> None:
    """From here on only what is below these folders can be opened."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    rules = dict.fromkeys(readable, CODE)
    if writable is not None:
        rules[writable] = INSIDE
    _close_files(libc, rules)
    _close_calls(libc)


def _close_files(libc: ctypes.CDLL, allowed: Mapping[Path, int]) -> None:
    attributes = struct.pack("Q", ALL_RIGHTS)
    rules = libc.syscall(LANDLOCK_CREATE, attributes, len(attributes), 0)
    if rules < 0:
        return
    for folder, rights in allowed.items():
        place = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        beneath = struct.pack("=Qi", rights, place)
        libc.syscall(LANDLOCK_ADD, rules, LANDLOCK_RULE_PATH_BENEATH, beneath, 0)
        os.close(place)
    libc.syscall(LANDLOCK_RESTRICT, rules, 0)
    os.close(rules)


def _close_calls(libc: ctypes.CDLL) -> None:
    known = FORBIDDEN.get(platform.machine())
    if known is None:
        return
    machine, numbers = known
    count = len(numbers)
    program = [
        (LOAD, 0, 0, OFFSET_OF_MACHINE),
        (JUMP_IF_EQUAL, 1, 0, machine),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, OFFSET_OF_NUMBER),
        *((JUMP_IF_EQUAL, count - at, 0, number) for at, number in enumerate(numbers)),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in program))
    head = struct.pack("HP", len(program), ctypes.addressof(code))
    libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, head, 0, 0)
