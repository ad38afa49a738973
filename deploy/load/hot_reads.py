#!/usr/bin/env python
"""How fast are reads from memory? The newest round of a game, in one run, and ratios:

from memory, from the same process through Django's REST framework, and from Go's net/http, which
answers every request with the same bytes. Servers have one core, the client the next one. Starts
an installation of its own in a folder for the time. Absolute figures hold on this machine and at
this hour; compare ratios, and on a machine with other work on it the CPU time of a request.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)  # not this directory, whose names would hide others

from deploy.load.bench.processes import running, usage  # noqa: E402
from deploy.load.bench.target import CACHE, MissingError, succeed  # noqa: E402
from deploy.load.clients import Load, Wish, apply_load, pinned  # noqa: E402
from veza.embedded.ports import free_port  # noqa: E402

SERVER_CPU, CLIENT_CPU = "0", "1"
LATEST = "/api/v1/games/crash/rounds/latest"
PAGE = "/api/v1/games/crash/rounds?limit=50"
START_S = 300.0
READY = re.compile(r"^ready (\S+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What one server did; the median of its rounds by CPU time."""

    name: str
    load: Load
    cpu_us: float

    @property
    def per_second(self) -> float:
        return self.load.requests / self.load.seconds


def main() -> None:
    options = _options()
    if not shutil.which("wrk"):
        sys.exit("wrk is missing: apt-get install wrk")
    with _installation() as (port, pid), _go(port) as go:
        for _ in range(3):
            _get(port, LATEST), _get(port, PAGE)
            time.sleep(0.5)
        if not options.no_wait:
            input("Ready. Press Enter when the machine is quiet: ")
        print(f"load average {os.getloadavg()[0]:.1f}; {options.connections} connections, "
              f"{options.rounds} x {options.seconds:g} s", flush=True)  # fmt: skip
        figures = [
            _measure("from memory, newest round", port, pid, LATEST, options),
            _measure("from memory, 50 rounds", port, pid, PAGE, options),
            _measure("REST framework, newest round", port, pid, f"{LATEST}?x=1", options),
            _measure("REST framework, 50 rounds", port, pid, f"{PAGE}&x=1", options),
        ]
        if go:
            figures.append(_measure("Go net/http, newest round", *go, "/", options))
    _tell(figures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=2, help="of each run (2)")
    parser.add_argument("--rounds", type=int, default=3, help="the middle one counts (3)")
    parser.add_argument("--connections", type=int, default=64, help="of the client (64)")
    parser.add_argument("--no-wait", action="store_true", help="do not ask before measuring")
    return parser.parse_args()


@contextmanager
def _installation() -> Iterator[tuple[int, int]]:
    """The port and the process of a web process with 300 rounds, alone on its core."""
    with tempfile.TemporaryDirectory(prefix="veza-hot-") as folder:
        port = free_port()
        # Nothing of the caller's servers: it brings its own.
        environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environ |= {"VEZA_DATA_DIR": folder, "RATE_LIMIT_PER_MINUTE": "1000000000"}
        log = Path(folder) / "up.log"
        argv = [sys.executable, "manage.py", "up", "--port", str(port), "--no-demo"]
        print("starting an installation", flush=True)
        with log.open("wb") as out:
            up = subprocess.Popen(argv, cwd=ROOT, env=environ, stdout=out, stderr=out)
        try:
            _until(lambda: bool(READY.search(log.read_text())) or up.poll() is not None)
            if up.poll() is not None:
                sys.exit(f"it does not start:\n{log.read_text()[-2000:]}")
            play = [sys.executable, "manage.py", "rounds", "simulate", "--rate", "200",
                    "--count", "300"]  # fmt: skip
            subprocess.run(play, cwd=ROOT, env=environ, check=True, stdout=subprocess.DEVNULL)
            _until(lambda: _get(port, LATEST) is not None)
            yield port, _pin(Path(folder))
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(90)


def _pin(folder: Path) -> int:
    """The web process gets the servers' core, all others the client's."""
    found = json.loads((folder / "processes.json").read_text())
    for each in found:
        cpu = SERVER_CPU if each["name"] == "web" else CLIENT_CPU
        argv = ["taskset", "-acp", cpu, str(each["pid"])]
        subprocess.run(argv, check=False, stdout=subprocess.DEVNULL)
    return int(next(each["pid"] for each in found if each["name"] == "web"))


@contextmanager
def _go(port: int) -> Iterator[tuple[int, int] | None]:
    """Port and process of the peer; None where Go is missing, which is said."""
    program, body = CACHE / "nethttp" / "nethttp", CACHE / "nethttp" / "body.json"
    program.parent.mkdir(parents=True, exist_ok=True)
    body.write_bytes(_get(port, LATEST) or b"{}")
    environ = os.environ | {"GO111MODULE": "off", "GOCACHE": str(program.parent / "cache"),
                            "GOFLAGS": ""}  # fmt: skip
    source = ROOT / "deploy" / "load" / "peers" / "nethttp" / "main.go"
    argv = ["go", "build", "-o", str(program), str(source)]
    try:
        succeed(argv, cwd=program.parent, env=environ, what="go build")
    except MissingError as fault:
        print(f"left out: Go net/http: {fault}; apt-get install golang-go", flush=True)
        yield None
        return
    own = free_port()
    serve = pinned([str(program), str(own), str(body)], cpu=SERVER_CPU)
    environ |= {"GOMAXPROCS": "1"}
    with running(serve, port=own, cwd=ROOT, env=environ, name="nethttp") as pid:
        yield own, pid


def _measure(name: str, port: int, pid: int, path: str, options: argparse.Namespace) -> Figure:
    wish = Wish(port=port, path=path)
    apply_load(wish=wish, connections=options.connections, seconds=1, cpu=CLIENT_CPU)
    figures = []
    for _ in range(options.rounds):
        before = usage(pid).cpu_s
        load = apply_load(
            wish=wish, connections=options.connections, seconds=options.seconds, cpu=CLIENT_CPU
        )
        cpu_us = (usage(pid).cpu_s - before) * 1e6 / load.requests
        figures.append(Figure(name=name, load=load, cpu_us=cpu_us))
    found = sorted(figures, key=lambda figure: figure.cpu_us)[len(figures) // 2]
    failed = f", {found.load.failures} failed" if found.load.failures else ""
    print(f"  {name}: {found.per_second:,.0f}/s{failed}", flush=True)
    return found


def _tell(figures: list[Figure]) -> None:
    first = figures[0]
    print(f"\n{'':32}{'req/s':>9}{'ratio':>8}{'CPU us':>9}{'ratio':>8}{'p50 ms':>8}{'p99 ms':>8}")
    for each in figures:
        print(f"{each.name:32}{each.per_second:9,.0f}{first.per_second / each.per_second:8.2f}"
              f"{each.cpu_us:9.1f}{each.cpu_us / first.cpu_us:8.2f}"
              f"{each.load.p50_ms:8.2f}{each.load.p99_ms:8.2f}")  # fmt: skip
    print("A ratio above 1 says that the newest round from memory does better.")


def _get(port: int, path: str) -> bytes | None:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            found: bytes = answer.read()
            return found
    except URLError:
        return None


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_S
    while not holds():
        if time.monotonic() > deadline:
            sys.exit(f"It took longer than {START_S:.0f} s.")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
