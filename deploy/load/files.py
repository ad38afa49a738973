#!/usr/bin/env python
"""Files in both directions, each server on one core, ratios in one run.

Segments of HLS of one public track: the application alone, nginx that is told by it each time which
file to send, nginx as shipped, which remembers what it was told (ADR 0039), nginx alone. Uploads:
our tus, the reference server of the tus project as it comes and with the same work (SHA-256 of the
whole, fsync), and `cat` from a socket to the disk. Rounds go in turns, and the middle one counts.
"""

import argparse
import base64
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from deploy.load.bench.processes import pinned, running, usage  # noqa: E402
from deploy.load.bench.target import CACHE, succeed  # noqa: E402
from deploy.load.clients import Wish, apply_load  # noqa: E402
from deploy.services.nginx import configure, program  # noqa: E402
from veza.embedded.ports import free_port  # noqa: E402

SERVER_CORE, CLIENT_CORE = "0", "1"
PEER = ROOT / "deploy" / "load" / "peers" / "tus"
SEGMENT_BYTES = 96 * 1024  # 6 s at 128 kbit/s
SEGMENT = "128/00000.m4s"
UNKNOWN = "128k/00000.m4s"
"""Nothing in nginx knows it for a segment, so each request goes to the application."""
MIB = 1024**2
_TRACK = """
from apps.auth.models import User
from apps.track.models import Track, TrackVersion
from veza.integrations.object_storage import object_storage
owner = User.objects.get(username="{name}")
track = Track.objects.create(owner=owner, title="Dawn", visibility="public", status="ready")
prefix = f"tracks/{{track.id}}/hls"
version = TrackVersion.objects.create(
    track=track, n=1, status="ready", stage="ready", source_key=f"tracks/{{track.id}}/source",
    size_bytes=1, hls_prefix=prefix, waveform_key=f"tracks/{{track.id}}/waveform.json")
Track.objects.filter(pk=track.pk).update(active=version)
for name in ("{segment}", "{unknown}"):
    object_storage().put(f"{{prefix}}/{{name}}", bytes({size}))
print(track.id)
"""


def main() -> None:
    options = _options()
    if "DATABASE_URL" not in os.environ or not program():
        sys.exit("Set DATABASE_URL and install nginx, or run `make bench`.")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder, ExitStack() as stack:
        place = Path(folder)
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, check=True)
        for title, begin, measure, unit in (
            ("segments of 96 KiB", _segment_servers, _segments, "requests/s"),
            (f"upload of {options.mib} MiB", _upload_servers, _upload, "MiB/s"),
        ):
            with ExitStack() as servers:
                _compare(title, begin(place, servers), measure, unit=unit, options=options)
        stack.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3, help="of each run (3)")
    parser.add_argument("--rounds", type=int, default=3, help="the middle one counts (3)")
    parser.add_argument("--connections", type=int, default=32, help="of the client (32)")
    parser.add_argument("--mib", type=int, default=256, help="size of an upload (256)")
    parser.add_argument("--folder", help="of the disk that is meant (the temporary one)")
    return parser.parse_args()


Server = tuple[list[int], int, str, str]
"""Process ids whose time counts, port, path, and the token of a caller."""
Measure = Callable[[str, Server, argparse.Namespace], float]


def _compare(
    title: str, servers: dict[str, Server], measure: Measure, *, unit: str,
    options: argparse.Namespace,
) -> None:  # fmt: skip
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in servers}
    for _ in range(options.rounds):
        for name, server in servers.items():
            before_s = sum(usage(pid).cpu_s for pid in server[0])
            rate = measure(name, server, options)
            figures[name].append((rate, sum(usage(pid).cpu_s for pid in server[0]) - before_s))
    print(f"\n{title}, {options.rounds} rounds in turns, load {os.getloadavg()[0]:.1f}")
    print(f"{'':36}{unit:>12}{'ratio':>7}{'CPU s':>8}")
    last = median(rate for rate, _ in figures[list(servers)[-1]])
    for name, rounds in figures.items():
        rate, cpu_s = (median(each) for each in zip(*rounds, strict=True))
        print(f"{name:36}{rate:12,.0f}{rate / last:7.2f}{cpu_s:8.2f}")


# --- segments --------------------------------------------------------------------------------


def _segment_servers(place: Path, servers: ExitStack) -> dict[str, Server]:
    app_pid, app_port = servers.enter_context(_web(place, FILE_DELIVERY="app"))
    told_pid, told_port = servers.enter_context(_web(place, FILE_DELIVERY="nginx"))
    name, _ = _register(app_port)
    track_id = _manage(place, "shell", "--no-imports", "-c",
                       _TRACK.format(name=name, size=SEGMENT_BYTES, segment=SEGMENT,
                                     unknown=UNKNOWN)).strip()  # fmt: skip
    path = f"/api/v1/tracks/{track_id}/stream"
    nginx_pid, nginx_port = servers.enter_context(_nginx(place / "front", told_port, place))
    alone_pid, alone_port = servers.enter_context(
        _nginx(place / "alone", told_port, place, is_open=True)
    )
    return {
        "application": ([app_pid], app_port, f"{path}/{SEGMENT}", ""),
        "nginx, told each time": ([told_pid, nginx_pid], nginx_port, f"{path}/{UNKNOWN}", ""),
        "nginx as shipped": ([told_pid, nginx_pid], nginx_port, f"{path}/{SEGMENT}", ""),
        "nginx alone": ([alone_pid], alone_port, f"/_files/tracks/{track_id}/hls/{SEGMENT}", ""),
    }


def _segments(_name: str, server: Server, options: argparse.Namespace) -> float:
    load = apply_load(
        wish=Wish(port=server[1], path=server[2]), connections=options.connections,
        seconds=options.seconds, cpu=CLIENT_CORE,
    )  # fmt: skip
    if load.failures:
        raise RuntimeError(f"{_name}: {load.failures} of {load.requests} failed")
    return load.requests / load.seconds


@contextmanager
def _nginx(
    folder: Path, web_port: int, place: Path, *, is_open: bool = False
) -> Iterator[tuple[int, int]]:
    """With `is_open` everyone may ask for files: that is nginx alone."""
    port = free_port()
    conf = configure(folder, port=port, web_port=web_port, storage=place / "storage")
    text = conf.read_text().replace("worker_processes auto", "worker_processes 1")
    if is_open:
        head, location, rest = text.partition("location /_files/ {")
        text = head + location + rest.replace("internal;", "", 1)
    conf.write_text(text)
    user = " user root;" if os.getuid() == 0 else ""
    argv = [str(program()), "-c", str(conf), "-g", f"daemon off;{user}"]
    with running(
        pinned(argv, core=SERVER_CORE), port=port, cwd=ROOT, env=os.environ, name=folder.name
    ) as pid:
        yield pid, port


# --- uploads ---------------------------------------------------------------------------------


def _upload_servers(place: Path, servers: ExitStack) -> dict[str, Server]:
    web_pid, web_port = servers.enter_context(_web(place))
    _, access = _register(web_port)
    peer_pid, peer_port = servers.enter_context(_peer(place / "peer"))
    same_pid, same_port = servers.enter_context(_peer(place / "same", "sync-and-hash"))
    return {
        "Veza, tus": ([web_pid], web_port, "/api/v1/uploads", access),
        "@tus/server": ([peer_pid], peer_port, "/files", ""),
        "@tus/server, with the same work": ([same_pid], same_port, "/files", ""),
        "cat": ([], 0, str(place / "cat"), ""),
    }


def _upload(name: str, server: Server, options: argparse.Namespace) -> float:
    seconds = (_cat if name == "cat" else _tus)(server, options.mib)
    return float(options.mib / seconds)


def _tus(server: Server, mib: int) -> float:
    """The seconds of one POST and one PATCH; the second answer comes when all is stored."""
    _, port, path, access = server
    headers = {"Tus-Resumable": "1.0.0"}
    if access:
        headers["Authorization"] = f"Bearer {access}"
    name = base64.b64encode(b"song.flac").decode()
    made = Request(
        f"http://127.0.0.1:{port}{path}", method="POST",
        headers=headers | {"Upload-Length": str(mib * MIB), "Upload-Metadata": f"filename {name}"},
    )  # fmt: skip
    began = time.monotonic()
    with urlopen(made, timeout=60) as answer:  # noqa: S310
        location = answer.headers["Location"]
    target = "/" + location.split("/", 3)[3] if "://" in location else location
    lines = [f"{key}: {value}" for key, value in headers.items()]
    head = "\r\n".join([
        f"PATCH {target} HTTP/1.1", "Host: localhost", f"Content-Length: {mib * MIB}",
        "Upload-Offset: 0", "Content-Type: application/offset+octet-stream", *lines, "", "",
    ])  # fmt: skip
    with socket.create_connection(("127.0.0.1", port), timeout=120) as client:
        client.sendall(head.encode())
        _send(client, mib)
        status = client.recv(4096).split(b" ", 2)[1]
    seconds = time.monotonic() - began
    if status != b"204":
        raise RuntimeError(f"answered {status.decode()}")
    gone = Request(f"http://127.0.0.1:{port}{target}", method="DELETE", headers=headers)
    with urlopen(gone, timeout=60):  # noqa: S310
        return seconds


def _cat(server: Server, mib: int) -> float:
    """Of the least that can be done: a socket, a file, and the disk."""
    began = time.monotonic()
    target = server[2]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        taken, _ = listener.accept()
    argv = ["sh", "-c", 'cat > "$0" && sync "$0"', target]
    with taken, subprocess.Popen(pinned(argv, core=SERVER_CORE), stdin=taken.fileno()) as cat:
        with client:
            _send(client, mib)
        cat.wait()
    seconds = time.monotonic() - began
    Path(target).unlink()
    return seconds


def _send(client: socket.socket, mib: int) -> None:
    block = os.urandom(MIB)
    for _ in range(mib):
        client.sendall(block)


@contextmanager
def _peer(folder: Path, *options: str) -> Iterator[tuple[int, int]]:
    packages = CACHE / "tus"
    packages.mkdir(parents=True, exist_ok=True)
    folder.mkdir()
    for name in ("package.json", "package-lock.json", "server.mjs"):
        (packages / name).write_bytes((PEER / name).read_bytes())
    succeed(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=packages, env=os.environ, what="npm")  # fmt: skip
    port = free_port()
    argv = pinned(["node", "server.mjs", str(port), str(folder), *options], core=SERVER_CORE)
    with running(argv, port=port, cwd=packages, env=os.environ, name=f"tus-{port}") as pid:
        yield pid, port


# --- the application -------------------------------------------------------------------------


@contextmanager
def _web(place: Path, **environment: str) -> Iterator[tuple[int, int]]:
    port = free_port()
    argv = [sys.executable, "manage.py", "web", "--port", str(port)]
    with running(
        pinned(argv, core=SERVER_CORE), port=port, cwd=ROOT,
        env=_environ(place) | environment, name=f"web-{port}",
    ) as pid:  # fmt: skip
        yield pid, port


def _environ(place: Path) -> dict[str, str]:
    return os.environ | {
        "VEZA_DATA_DIR": str(place), "RATE_LIMIT_PER_MINUTE": str(10**9), "LOG_LEVEL": "ERROR",
        "RATE_LIMIT_LOGIN_PER_MINUTE": str(10**6),
    }  # fmt: skip


def _manage(place: Path, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=_environ(place),
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout  # fmt: skip


def _register(port: int) -> tuple[str, str]:
    """The name of somebody new, and his access token."""
    name = f"loader{time.time_ns()}"
    body = {"username": name, "email": f"{name}@example.org", "password": "violet tape in rain"}
    request = Request(
        f"http://127.0.0.1:{port}/api/v1/auth/register", data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    with urlopen(request, timeout=30) as answer:  # noqa: S310
        return name, str(json.load(answer)["access"])


if __name__ == "__main__":
    main()
