"""The programs in docs/api/realtime.md do what the page says, also over a restart."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from tests.apps.realtime.live import Live, Web
from tests.veza.asgi.wire import until

PAGE = (Path(settings.BASE_DIR) / "docs" / "api" / "realtime.md").read_text()
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
HOST = "127.0.0.1:8000"
OF_PRICES = [program for program in PROGRAMS if '/ws"' in program]
OF_FACTS = [program for program in PROGRAMS if program not in OF_PRICES]


@contextmanager
def running(program: str, web: Web, folder: Path) -> Iterator[Path]:
    """The file in which its output stands."""
    assert HOST in program
    out = folder / "out"
    with out.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-c", program.replace(HOST, f"127.0.0.1:{web.port}")],
            stdout=said, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield out
        assert process.poll() is None, out.read_text()
    finally:
        process.kill()
        process.wait()


def test_there_are_some() -> None:
    assert (len(OF_FACTS), len(OF_PRICES)) == (3, 1)


@pytest.mark.parametrize("number", range(len(OF_FACTS)))
def test_a_program_shows_facts_once_also_after_a_restart(
    live: Live, web: Web, tmp_path: Path, number: int
) -> None:
    with running(OF_FACTS[number], web, tmp_path) as out:
        wanted = came_once(live, out)
        if "httpx.get(" in OF_FACTS[number]:  # it takes no pains about a server that is away
            missed = live.commit([{"n": 1}] * 3)
        else:
            web.end()
            missed = live.commit([{"n": 1}] * 3)
            web.start()
        until(lambda: missed[-1] in out.read_text())
        said = out.read_text().splitlines()
    ids = [line.split(" ")[0] for line in said if " " in line]
    assert [id_ for id_ in ids if id_ in {*wanted, *missed}] == wanted + missed


def came_once(live: Live, out: Path) -> list[str]:
    """Facts are sent until the program, which takes its time to begin, shows one."""
    ids: list[str] = []

    def has_come() -> bool:
        ids.extend(live.commit([{"n": 0}]))
        return any(id_ in out.read_text() for id_ in ids)

    until(has_come, tick_s=0.1)
    until(lambda: ids[-1] in out.read_text())
    text = out.read_text()
    return [id_ for id_ in ids if id_ in text]


def test_a_program_shows_prices(live: Live, web: Web, tmp_path: Path) -> None:
    live.ingest(web, {"instrument": "BTC_USDT", "price": 1.5, "ts": 1})
    with running(OF_PRICES[0], web, tmp_path) as out:
        until(lambda: "1.5 warm" in out.read_text())
        live.ingest(web, {"instrument": "BTC_USDT", "price": 2.5, "ts": 2})
        until(lambda: "2.5 live" in out.read_text())
