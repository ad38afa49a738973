"""Load on one address, by wrk where it is installed, else by a client of our own."""

import asyncio
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
_ERRORS = r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)"
_QUANTILE = r"\s{}%\s+([\d.]+)(us|ms|s|m)"


@dataclass(frozen=True, kw_only=True)
class Load:
    """What one run of the client saw; times in milliseconds."""

    requests: int
    seconds: float
    failures: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the client asks for."""

    port: int
    path: str
    token: str = ""
    """Sent as bearer, if there is one."""


def apply_load(*, wish: Wish, connections: int, seconds: float, cpu: str) -> Load:
    """Ask for it as fast as answers come. `cpu` is the core for the client, if it has one."""
    if shutil.which("wrk"):
        return _wrk(wish, connections=connections, seconds=seconds, cpu=cpu)
    return asyncio.run(_own(wish, connections=connections, seconds=seconds))


def pinned(argv: Sequence[str], *, cpu: str) -> list[str]:
    """The command on one core, where `taskset` exists."""
    return ["taskset", "-c", cpu, *argv] if cpu and shutil.which("taskset") else list(argv)


def _wrk(wish: Wish, *, connections: int, seconds: float, cpu: str) -> Load:
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--latency"]
    if wish.token:
        argv += ["-H", f"Authorization: Bearer {wish.token}"]
    shown = subprocess.run(
        pinned([*argv, f"http://127.0.0.1:{wish.port}{wish.path}"], cpu=cpu),
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    total = re.search(r"(\d+) requests in ([\d.]+)s", shown)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", shown)
    errors = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", shown
    )
    if total is None:
        raise RuntimeError(f"wrk said what we cannot read:\n{shown}")
    return Load(
        requests=int(total[1]),
        seconds=float(total[2]),
        failures=int(failed[1] if failed else 0) + sum(map(int, errors.groups() if errors else ())),
        p50_ms=_quantile(shown, 50),
        p99_ms=_quantile(shown, 99),
    )


def _quantile(shown: str, percent: int) -> float:
    found = re.search(_QUANTILE.format(percent), shown)
    return float(found[1]) * _UNITS[found[2]] if found else float("nan")


async def _own(wish: Wish, *, connections: int, seconds: float) -> Load:
    began = time.monotonic()
    until = began + seconds
    runs = await asyncio.gather(*(_one_connection(wish, until=until) for _ in range(connections)))
    times = sorted(taken for run, _ in runs for taken in run)
    if not times:
        raise RuntimeError("no request was answered")
    return Load(
        requests=len(times),
        seconds=time.monotonic() - began,
        failures=sum(failures for _, failures in runs),
        p50_ms=times[len(times) // 2] * 1000,
        p99_ms=times[len(times) * 99 // 100] * 1000,
    )


async def _one_connection(wish: Wish, *, until: float) -> tuple[list[float], int]:
    reader, writer = await asyncio.open_connection("127.0.0.1", wish.port)
    bearer = f"Authorization: Bearer {wish.token}\r\n" if wish.token else ""
    request = f"GET {wish.path} HTTP/1.1\r\nHost: localhost\r\n{bearer}\r\n".encode()
    times: list[float] = []
    failures = 0
    while (began := time.monotonic()) < until:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = re.search(rb"content-length: (\d+)", head)
        await reader.readexactly(int(length[1]) if length else 0)
        failures += not head.startswith(b"http/1.1 2")
        times.append(time.monotonic() - began)
    writer.close()
    return times, failures
