"""The services of deploy/compose.yaml, where a Docker engine answers."""

import functools
import shutil
import subprocess
from pathlib import Path

from deploy.services.places import ROOT, fingerprint

FILE = ROOT / "deploy" / "compose.yaml"
MARK = "compose"
ENGINE_PATIENCE_S = 20
PULL_PATIENCE_S = 600


class ComposeError(Exception):
    """docker compose failed; the message is its own last word."""


@functools.cache
def why_not() -> str:
    """Why Docker cannot be used here; empty when it can."""
    if not shutil.which("docker"):
        return "there is no Docker"
    if not _works("docker", "compose", "version"):
        return "Docker has no compose plugin"
    if not _works("docker", "info"):
        return "no Docker engine answers"
    return ""


def _works(*command: str) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=ENGINE_PATIENCE_S)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def start(root: Path, *, name: str, port: int) -> int:
    """Start one service and wait until it is healthy. Returns its port on loopback."""
    (root / MARK).touch()
    _compose(root, "up", "--detach", "--wait", name)
    address = _compose(root, "port", name, str(port))
    return int(address.strip().rpartition(":")[2])


def stop(root: Path) -> bool:
    """Remove what `start` made here; says whether there was anything."""
    if not (root / MARK).exists():
        return False
    _compose(root, "down", "--volumes")
    (root / MARK).unlink()
    return True


def _compose(root: Path, *arguments: str) -> str:
    project = f"veza-services-{fingerprint(root)}"
    command = ["docker", "compose", "--file", str(FILE), "--project-name", project, *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=PULL_PATIENCE_S
        )
    except subprocess.TimeoutExpired as error:
        raise ComposeError(f"docker compose took longer than {PULL_PATIENCE_S} s") from error
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise ComposeError(said[-1] if said else f"docker compose ended with {done.returncode}")
    return done.stdout
