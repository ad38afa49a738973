#!/usr/bin/env python
"""What does it cost to make a track, and to take a large file? On one core, with peaks of memory.

Makes three renditions of a minute of stereo music-like noise, measures a file of gibibytes with
everything that a worker does for it, and sends as many bytes by the tus protocol to a web process.
The asker has loaded what a worker has. With CLAMD_URL the scan by clamd is measured, too.

    taskset -c 0 .venv/bin/python deploy/load/media.py --gibibytes 2
    taskset -c 0 .venv/bin/python deploy/load/media.py --gibibytes 2 --hours
    DATABASE_URL=postgres://... REDIS_URL=redis://... .venv/bin/python deploy/load/media.py --web
"""

import argparse
import os
import random
import resource
import socket
import struct
import sys
import tempfile
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "veza.settings")

import django  # noqa: E402
from django.conf import settings  # noqa: E402

if TYPE_CHECKING:
    from veza.integrations.antivirus import Antivirus

RATE, CHANNELS, BYTES = 44_100, 2, 2
MINUTE = 60
MEGABYTE = 1024**2
POLL_S = 0.02


def main() -> None:
    options = _options()
    django.setup()
    if options.web:
        _measure_web(options.gibibytes)
        return
    _load_tasks()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        _measure_minute(Path(folder), rounds=options.rounds)
        _measure_large(Path(folder), options.gibibytes, for_hours=options.hours)


def _load_tasks() -> None:
    """All that `manage.py worker` has in memory before its first task."""
    from veza.celery import app  # noqa: PLC0415 - after Django's setup

    app.loader.import_default_modules()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gibibytes", type=float, default=2.0, help="of the large file")
    parser.add_argument("--hours", action="store_true", help="the large file as 44.1 kHz, 16 bits")
    parser.add_argument("--rounds", type=int, default=3, help="of the minute; the median is shown")
    parser.add_argument("--folder", help="where the files are made; must have room")
    parser.add_argument("--web", action="store_true", help="measure the upload instead")
    return parser.parse_args()


def _measure_minute(folder: Path, *, rounds: int) -> None:
    from veza.integrations.media import media  # noqa: PLC0415 - after Django's setup

    song = _wav(folder / "minute.wav", MINUTE)
    jobs: dict[str, Callable[[Path], object]] = {
        "probe": lambda _: media().probe(song),
        "analyse": lambda _: media().analyse(song),
        "three renditions": lambda out: media().transcode_hls(song, out, _unheard),
        "one rendition": lambda out: media().preview(song, out, seconds=MINUTE),
    }
    _print_head("60 s of stereo", "audio s")
    for name, job in jobs.items():
        took = sorted((_timed(job, folder) for _ in range(rounds)), key=lambda each: each.cpu_s)
        _print_line(name, took[len(took) // 2], MINUTE)


def _measure_large(folder: Path, gibibytes: float, *, for_hours: bool) -> None:
    """Twenty minutes of 2 GiB at 192 kHz, 32 bits; or `for_hours`, more than three."""
    from veza.integrations.antivirus import ScanLimitError  # noqa: PLC0415
    from veza.integrations.antivirus.builtin import BuiltinAntivirus  # noqa: PLC0415
    from veza.integrations.antivirus.clamd import ClamdAntivirus  # noqa: PLC0415
    from veza.integrations.media import media  # noqa: PLC0415

    size = int(gibibytes * 1024**3)
    rate, width = (RATE, BYTES) if for_hours else (192_000, 4)
    song = _wav(folder / "large.wav", size / (rate * width * CHANNELS), rate=rate, width=width)

    def scan(_: Path, by: "type[Antivirus]" = BuiltinAntivirus) -> None:
        # No clamd looks into 2 GiB; what it costs us to ask is the same.
        with song.open("rb") as stream, suppress(ScanLimitError):
            by().scan(stream)

    clamd = {"scan, clamd": partial(scan, by=ClamdAntivirus)} if settings.CLAMD_URL else {}
    jobs: dict[str, Callable[[Path], object]] = {
        "scan, built-in": scan,
        **clamd,
        "probe": lambda _: media().probe(song),
        "analyse": lambda _: media().analyse(song),
        "three renditions": lambda out: media().transcode_hls(song, out, _unheard),
    }
    _print_head(f"{gibibytes:g} GiB of WAV, {size / (rate * width * CHANNELS) / 60:.0f} min", "MB")
    for name, job in jobs.items():
        _print_line(name, _timed(job, folder), size / MEGABYTE)


class _Took(NamedTuple):
    """Of a job: what the clock says, what the CPU did, and the peaks of memory."""

    seconds: float
    cpu_s: float
    peak_bytes: int
    own_bytes: int


def _print_head(title: str, what: str) -> None:
    print(f"\n{title}; load {os.getloadavg()[0]:.1f}")
    print(f"{'':24}{'seconds':>9}{'CPU s':>9}{f'{what}/s':>12}{f'{what}/CPU s':>16}"
          f"{'peak MB':>9}{'asker MB':>10}")  # fmt: skip


def _print_line(name: str, took: _Took, amount: float) -> None:
    """`amount` for each second of the clock, and of CPU, which other work does not change much."""
    rates = [amount / max(seconds, 0.001) for seconds in (took.seconds, took.cpu_s)]
    peaks = [each / MEGABYTE for each in (took.peak_bytes, took.own_bytes)]
    print(f"{name:24}{took.seconds:9.2f}{took.cpu_s:9.2f}{rates[0]:12.1f}{rates[1]:16.1f}"
          f"{peaks[0]:9.0f}{peaks[1]:10.0f}", flush=True)  # fmt: skip


def _timed(job: Callable[[Path], object], folder: Path) -> _Took:
    """With the peak of this process and of its children together, and that of itself (RSS)."""
    with tempfile.TemporaryDirectory(dir=folder) as out, _peak_of(os.getpid()) as peak:
        began, before_s = time.perf_counter(), _cpu_s()
        job(Path(out))
        return _Took(time.perf_counter() - began, _cpu_s() - before_s, peak[0], peak[1])


def _cpu_s() -> float:
    """Of this process, and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


@contextmanager
def _peak_of(pid: int) -> Iterator[list[int]]:
    """The most memory that a process and its children were seen to hold at once; then the most
    that was resident of the process alone.
    """
    most, over = [0, 0], threading.Event()

    def watch() -> None:
        while not over.wait(POLL_S):
            most[0] = max(most[0], _resident(pid) + sum(map(_resident, _children(pid))))
            most[1] = max(most[1], _resident(pid, "Rss:"))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, tasks.read_text().split())
    return found


def _resident(pid: int, what: str = "Pss:") -> int:
    """What it holds, with its share of what it has in common with others (PSS), in bytes."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def _wav(path: Path, seconds: float, *, rate: int = RATE, width: int = BYTES) -> Path:
    """Noise that rises, one second of it again and again; made without what workers do not load."""
    count, chance = round(seconds) * rate, random.Random(1)  # noqa: S311 - noise
    top = 2 ** (8 * width - 1) - 1
    values = (0.1 * (0.2 + 0.8 * n / rate) * chance.gauss(0, 1)
              for n in range(rate) for _ in range(CHANNELS))  # fmt: skip
    whole = (int(max(-1.0, min(1.0, value)) * top) for value in values)
    second = array({2: "h", 4: "i"}[width], whole).tobytes()
    size, frame = count * CHANNELS * width, CHANNELS * width
    head = struct.pack("<4sI4s4sIHHII", b"RIFF", min(size + 36, 2**32 - 1), b"WAVE", b"fmt ", 16,
                       1, CHANNELS, rate, rate * frame)  # fmt: skip
    with path.open("wb") as file:
        file.write(head + struct.pack("<HH4sI", frame, 8 * width, b"data", min(size, 2**32 - 1)))
        for _ in range(round(seconds)):
            file.write(second)
    return path


def _measure_web(gibibytes: float) -> None:
    """A migrated database is needed; the account and the upload stay in it."""
    from deploy.load.identity import running_web  # noqa: PLC0415 - it sets up the same server

    size = int(gibibytes * 1024**3)
    with running_web() as (pid, port):
        token = _token(port)
        _upload(port, token, 4 * MEGABYTE)  # what is loaded by the first one does not count
        before = _resident(pid)
        with _peak_of(pid) as peak:
            began = time.perf_counter()
            _upload(port, token, size)
            seconds = time.perf_counter() - began
    print(f"{gibibytes:g} GiB by tus in one PATCH: {seconds:.1f} s, {size / MEGABYTE / seconds:.0f}"
          f" MB/s; the web process held {before / MEGABYTE:.0f} MB before,"
          f" and grew by {(peak[0] - before) / MEGABYTE:.0f} MB at most")  # fmt: skip


def _token(port: int) -> str:
    from deploy.load.identity import PASSWORD, post  # noqa: PLC0415

    name = f"load{time.time_ns()}"
    body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    return post(port, "/api/v1/auth/register", body)["access"]


def _upload(port: int, token: str, size: int) -> None:
    block = os.urandom(MEGABYTE)
    common = f"Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nTus-Resumable: 1.0.0\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=600) as link:
        link.sendall(
            f"POST /api/v1/uploads HTTP/1.1\r\n{common}Upload-Length: {size}\r\n"
            "Content-Length: 0\r\n\r\n".encode()
        )
        place = _answer(link, 201).partition("location: ")[2].partition("\r\n")[0]
        path = place[place.index("/api/") :]
        link.sendall(
            f"PATCH {path} HTTP/1.1\r\n{common}Upload-Offset: 0\r\nContent-Length: {size}\r\n"
            "Content-Type: application/offset+octet-stream\r\n\r\n".encode()
        )
        for _ in range(size // MEGABYTE):
            link.sendall(block)
        link.sendall(block[: size % MEGABYTE])
        _answer(link, 204)


def _answer(link: socket.socket, status: int) -> str:
    """The head of the answer, in lower case."""
    heard = b""
    while b"\r\n\r\n" not in heard:
        more = link.recv(65536)
        if not more:
            break
        heard += more
    text = heard.decode("latin-1").lower()
    if not text.startswith(f"http/1.1 {status}"):
        sys.exit(f"The server answers {text[:300]}")
    return text


def _unheard(fraction: float) -> None:
    """Nobody waits for it."""


if __name__ == "__main__":
    main()
