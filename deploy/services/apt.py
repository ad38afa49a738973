"""Installs a Debian package where that is allowed, without letting it start a system daemon."""

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

OPTIONS = "-o DPkg::Lock::Timeout=300 -o Acquire::Retries=1 -o Acquire::http::Timeout=30"
UPDATE = f"export DEBIAN_FRONTEND=noninteractive; apt-get {OPTIONS} --quiet update"
# The package's scripts ask policy-rc.d whether they may start a daemon: 101 means no.
INSTALL = f"""
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' INT TERM
    printf '#!/bin/sh\\nexit 101\\n' > "$policy"
    chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get {OPTIONS} --quiet --yes --no-install-recommends install "$@"
"""


class InstallError(Exception):
    """apt-get failed; the message is its own last word."""


@functools.cache
def why_not() -> str:
    """Why apt-get may not be used here; empty when it may."""
    if not shutil.which("apt-get") or not _is_debian():
        return "this is neither Debian nor Ubuntu"
    if os.geteuid() != 0 and not _has_sudo():
        return "apt-get needs root or sudo without a password"
    return ""


def _is_debian() -> bool:
    try:
        text = Path("/etc/os-release").read_text()
    except OSError:
        return False
    return bool(re.search(r"^ID(_LIKE)?=.*\b(debian|ubuntu)\b", text, re.MULTILINE))


def _has_sudo() -> bool:
    if not shutil.which("sudo"):
        return False
    return subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0


@functools.cache
def update() -> None:
    """Learn what can be had, once; without success the old lists may still do."""
    _as_root(UPDATE, [])


def install(packages: tuple[str, ...]) -> None:
    """Raises InstallError."""
    update()
    done = _as_root(INSTALL, list(packages))
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise InstallError(said[-1] if said else f"apt-get ended with {done.returncode}")


def _as_root(script: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    command = ["sh", "-c", script, "sh", *arguments]
    if os.geteuid() != 0:
        command = ["sudo", "-n", *command]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
