"""NATS with JetStream."""

import json
import shutil
import socket
from pathlib import Path
from urllib.parse import urlsplit

from deploy.services.recipes import Launch, Recipe, Service, nothing_to_prepare
from deploy.services.wire import USABLE, Finding, converse, receive_line, refused, taken


def probe(url: str) -> Finding:
    """The server speaks first: INFO {...}."""
    return converse(url, lambda connection: _info(connection, url))


def _info(connection: socket.socket, url: str) -> Finding:
    verb, _, text = receive_line(connection).partition(b" ")
    try:
        facts = json.loads(text) if verb.upper() == b"INFO" else None
    except ValueError:
        facts = None
    if not isinstance(facts, dict):
        return taken("what listens there is not NATS")
    if not facts.get("jetstream"):
        return refused("NATS runs without JetStream")
    if facts.get("auth_required") and not urlsplit(url).username:
        return refused("NATS wants a user name and a password")
    return USABLE


def installed() -> Recipe | None:
    """nats-server on the PATH, or where Debian puts it."""
    binary = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin")
    if not binary:
        return None

    def launch(directory: Path, port: int) -> Launch:
        options = ["-js", "-sd", str(directory / "jetstream"), "-a", "127.0.0.1", "-p", str(port)]
        return Launch(argv=[binary, *options])

    return Recipe(
        name="nats", origin="installed nats-server", prepare=nothing_to_prepare, launch=launch
    )


SERVICE = Service(
    name="nats",
    title="NATS",
    variable="NATS_URL",
    url="nats://127.0.0.1:{port}",
    port=4222,
    suites="needs_nats",
    probe=probe,
    installed=installed,
    packages=("nats-server",),
)
