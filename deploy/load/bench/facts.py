"""How long a fact takes from the commit of its transaction to the clients.

A writer commits readings at a fixed rate and notes the instant after each commit in a file; the
client, which maps the same file, takes the difference at each receipt.

    python -m deploy.load.bench.facts FILE RATE SECONDS     (the writer)
"""

import mmap
import os
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from deploy.load.bench.client import Seen, client
from deploy.load.bench.target import CACHE, ROOT, Place
from deploy.load.peers import veza

RATE = 200
SUBSCRIBERS = 100
MOST = 1_000_000
_STAMP = struct.Struct("=q")


@dataclass(frozen=True, kw_only=True)
class Way:
    """What came of one transport; `written` facts were committed in `seconds`."""

    transport: str
    written: int
    seen: Seen


def measure(place: Place, *, core: str, seconds: float) -> Iterator[Way]:
    """Each transport in turn. Raises MissingError where Veza cannot be started."""
    with veza.relay(place):
        for transport in veza.TRANSPORTS:
            stamps = CACHE / "stamps"
            stamps.write_bytes(bytes(MOST))
            with (
                veza.serve(place, transport=transport) as server,
                client(
                    server, core=core, subscribers=SUBSCRIBERS, stamps=str(stamps),
                    publish="none", **veza.facts_options(transport),
                ) as watching,
            ):  # fmt: skip
                watching.do("connect")
                watching.do("idle 1.5")
                writer = _writer(place, stamps, seconds=seconds)
                seen = watching.do(f"observe {seconds + 3:g}")
                written = int(writer.communicate(timeout=30)[0] or 0)
            yield Way(transport=transport, written=written, seen=seen)


def _writer(place: Place, stamps: Path, *, seconds: float) -> "subprocess.Popen[str]":
    argv = [sys.executable, "-m", "deploy.load.bench.facts", str(stamps), str(RATE), str(seconds)]
    return subprocess.Popen(
        place.beside(argv), cwd=ROOT, env=veza.environ(place), text=True, stdout=subprocess.PIPE
    )


def _write(file: Path, *, rate: float, seconds: float) -> int:
    """How many facts were committed."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "veza.settings")
    import django  # noqa: PLC0415 - only the writer needs it

    django.setup()
    from django.db import transaction  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from apps.datastream.services import metrics  # noqa: PLC0415
    from apps.events.types import Actor  # noqa: PLC0415

    actor = Actor(type="program", id="load")
    metric = metrics.create_metric(name="load", input_frequency_ns=1, actor=actor)
    with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 0) as stamps:

        def committed(number: int) -> None:
            _STAMP.pack_into(stamps, number * _STAMP.size, time.monotonic_ns())

        began, number = time.monotonic(), 0
        while (now := time.monotonic()) - began < seconds:
            if now < began + number / rate:
                time.sleep(began + number / rate - now)
            number += 1
            with transaction.atomic():
                transaction.on_commit(partial(committed, number))
                metrics.record_reading(
                    metric_id=metric.id, value=number, timestamp=timezone.now(), actor=actor
                )
    return number


if __name__ == "__main__":
    print(_write(Path(sys.argv[1]), rate=float(sys.argv[2]), seconds=float(sys.argv[3])))
