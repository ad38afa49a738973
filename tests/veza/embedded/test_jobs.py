"""A program that runs beside the services: told of, ended with us, noted when it is done."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S
from veza.embedded.job import Job


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def job(folder: Path, program: str, done: list[str]) -> Job:
    return Job(
        name="seed", argv=(sys.executable, "-c", program), env=dict(os.environ),
        log=folder / "seed.log", done=lambda: done.append("done"),
    )  # fmt: skip


def test_its_lines_are_news_and_its_success_is_noted_once(tmp_path: Path) -> None:
    done: list[str] = []
    ours = job(tmp_path, "print('one of two'); print('two of two')", done)
    ours.start()
    until(ours.has_ended)
    assert ours.news() == ["one of two", "two of two"]
    assert (ours.outcome(), done) == ("", ["done"])


def test_a_failure_says_where_to_look_and_is_not_noted(tmp_path: Path) -> None:
    done: list[str] = []
    ours = job(tmp_path, "import sys; sys.exit('no room')", done)
    ours.start()
    until(ours.has_ended)
    assert str(tmp_path / "seed.log") in ours.outcome()
    assert "no room" in (tmp_path / "seed.log").read_text()
    assert done == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells who lives")
def test_it_ends_with_us(tmp_path: Path) -> None:
    ours = job(tmp_path, "import os, time; print(os.getpid(), flush=True); time.sleep(600)", [])
    ours.start()
    lines: list[str] = []

    def said() -> bool:
        lines.extend(ours.news())
        return bool(lines)

    until(said)
    ours.end()
    assert not Path("/proc", lines[0]).exists()
    assert ours.has_ended()
