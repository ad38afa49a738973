"""RabbitMQ."""

import shutil
import socket
import struct
from pathlib import Path
from urllib.parse import unquote, urlsplit

from deploy.services.recipes import Launch, Recipe, Service, nothing_to_prepare
from deploy.services.wire import USABLE, Finding, converse, receive, refused, taken
from veza.embedded.ports import free_port

HEADER = b"AMQP\0\0\x09\x01"
METHOD_FRAME = 1
FRAME_END = 0xCE
FRAME_OVERHEAD = 8
START, START_OK, TUNE = (10, 10), (10, 11), (10, 30)  # class and method, AMQP 0-9-1 section 1.4
# Not the wrapper in /usr/sbin, which insists on the account of the system's own RabbitMQ.
BINARY = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


def probe(url: str) -> Finding:
    """The protocol header, answered by connection.start; then whether we may log in."""
    return converse(url, lambda connection: _log_in(connection, url))


def _log_in(connection: socket.socket, url: str) -> Finding:
    connection.sendall(HEADER)
    if _method(connection) != START:
        return taken("what listens there does not speak AMQP 0-9-1")
    parts = urlsplit(url)
    user, password = unquote(parts.username or "guest"), unquote(parts.password or "guest")
    connection.sendall(_start_ok(user, password))
    try:
        accepted = _method(connection) == TUNE
    except OSError:
        accepted = False
    return USABLE if accepted else refused(f"RabbitMQ does not let {user} log in")


def _method(connection: socket.socket) -> tuple[int, int] | None:
    frame = receive(connection, until=_is_whole)
    if len(frame) < FRAME_OVERHEAD + 4 or frame[0] != METHOD_FRAME:
        return None
    class_id, method_id = struct.unpack_from("!HH", frame, 7)
    return class_id, method_id


def _is_whole(answer: bytes) -> bool:
    if answer[:1] != bytes([METHOD_FRAME]):
        return True
    if len(answer) < FRAME_OVERHEAD:
        return False
    (size,) = struct.unpack_from("!L", answer, 3)
    return len(answer) >= FRAME_OVERHEAD + int(size)


def _start_ok(user: str, password: str) -> bytes:
    response = f"\0{user}\0{password}".encode()
    body = struct.pack("!HHL", *START_OK, 0) + b"\x05PLAIN"
    body += struct.pack("!L", len(response)) + response + b"\x05en_US"
    return struct.pack("!BHL", METHOD_FRAME, 0, len(body)) + body + bytes([FRAME_END])


def installed() -> Recipe | None:
    """Debian's package."""
    if not BINARY.exists():
        return None
    return Recipe(
        name="rabbitmq",
        origin="installed rabbitmq-server",
        prepare=nothing_to_prepare,
        launch=_launch,
    )


def _launch(directory: Path, port: int) -> Launch:
    """All that the node knows is its own, even the port mapper of Erlang."""
    mapper = {"ERL_EPMD_PORT": str(free_port()), "ERL_EPMD_ADDRESS": "127.0.0.1"}
    for name in ("rabbitmq.conf", "env"):
        (directory / name).touch()
    (directory / "plugins").write_text("[].\n")
    env = mapper | {
        "HOME": str(directory),
        "RABBITMQ_NODENAME": "veza@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
        "RABBITMQ_LOG_BASE": str(directory / "log"),
        "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq"),
        "RABBITMQ_CONF_ENV_FILE": str(directory / "env"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
    }
    port_mapper = shutil.which("epmd")
    return Launch(
        argv=[str(BINARY)],
        env=env,
        after_stop=[port_mapper, "-kill"] if port_mapper else [],
        after_stop_env=mapper,
    )


SERVICE = Service(
    name="rabbitmq",
    title="RabbitMQ",
    variable="AMQP_URL",
    url="amqp://guest:guest@127.0.0.1:{port}/",
    port=5672,
    suites="needs_rabbitmq",
    probe=probe,
    installed=installed,
    packages=("rabbitmq-server",),
)
