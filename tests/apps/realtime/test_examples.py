"""The programs in docs/examples/streams do what their help says, also over a restart."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from tests import npm
from tests.apps.realtime.live import Live, Web
from tests.patience import PATIENCE_S
from tests.veza.asgi.wire import until
from veza.pages.asyncapi import ENVELOPE

FOLDER = Path(settings.BASE_DIR) / "docs" / "examples" / "streams"
PROGRAMS = sorted(path.name for path in FOLDER.iterdir() if path.suffix in {".py", ".mjs"})
OF_FACTS = [name for name in PROGRAMS if not name.startswith("backbone")]
OF_PRICES = [name for name in PROGRAMS if name.startswith("backbone")]


@dataclass(kw_only=True)
class Running:
    """A program, and the files in which stands what it says."""

    name: str
    process: "subprocess.Popen[bytes]"
    out: Path
    remarks: Path

    def ids(self) -> list[str]:
        """Of the messages that it has shown, in order."""
        return [json.loads(line)["id"] for line in whole_lines(self.out)]

    def prices(self) -> list[float]:
        return [json.loads(line)["data"]["price"] for line in whole_lines(self.out)]


def whole_lines(path: Path) -> list[str]:
    return path.read_text().rpartition("\n")[0].splitlines()


def command(name: str) -> list[str]:
    if name.endswith(".py"):
        return [sys.executable, str(FOLDER / name)]
    scripts = [path.name for path in FOLDER.glob("*.mjs")]
    return ["node", str(npm.installed_packages(FOLDER, *scripts) / name)]


@contextmanager
def running(name: str, folder: Path, *arguments: str) -> Iterator[Running]:
    out, remarks = folder / f"{name}.out", folder / f"{name}.remarks"
    with out.open("wb") as said, remarks.open("wb") as remarked:
        process = subprocess.Popen([*command(name), *arguments], stdout=said, stderr=remarked)
    try:
        yield Running(name=name, process=process, out=out, remarks=remarks)
        assert process.poll() is None, remarks.read_text()
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_names_every_option(name: str) -> None:
    done = subprocess.run([*command(name), "--help"], capture_output=True, text=True, check=True)

    options = {"--url", "--token", "--room" if name.startswith("realtime") else "--rooms"}
    assert {option for option in options if option not in done.stdout} == set()


def test_each_comes_back_after_a_restart_and_shows_what_it_had_missed(
    live: Live, web: Web, tmp_path: Path
) -> None:
    live.ingest(web, {"instrument": "SEEN_USDT", "price": 1.5, "ts": 1})
    with ExitStack() as stack:
        listening, watching = (
            [
                stack.enter_context(running(name, tmp_path, "--url", web.base_url, *options(name)))
                for name in names
            ]
            for names in (OF_FACTS, OF_PRICES)
        )
        seen = {each.name: came(live, each) for each in listening}
        for each in watching:
            until(lambda each=each: each.prices() == [1.5])  # type: ignore[misc]
        web.kill()  # a cut without a word, as a crash makes it
        missed = live.commit([{"n": 1}] * 3)
        live.wait_until_logged(missed)
        web.start()
        for each in listening:
            until(lambda each=each: missed[-1] in each.ids())  # type: ignore[misc]
            until(lambda each=each: told_missed(each) >= len(missed))  # type: ignore[misc]
        for each in watching:  # the last price comes again, so that nothing stale is shown
            until(lambda each=each: each.prices() == [1.5, 1.5])  # type: ignore[misc]
    envelope = Draft202012Validator(ENVELOPE)
    for each in listening:
        assert [id_ for id_ in each.ids() if id_ in {seen[each.name], *missed}] == [
            seen[each.name], *missed,
        ]  # fmt: skip
        assert [
            line for line in whole_lines(each.out) if not envelope.is_valid(json.loads(line))
        ] == []


def options(name: str) -> list[str]:
    if name in OF_PRICES:
        return ["--rooms", "SEEN_USDT"]
    if name.startswith("pull"):
        return ["--rooms", "metrics", "--every", "0.2"]
    return ["--room" if name.startswith("realtime") else "--rooms", "metrics"]


def came(live: Live, program: Running) -> str:
    """Facts are sent until the program, which takes its time to begin, has shown one."""
    sent: list[str] = []

    def has_come() -> bool:
        sent.extend(live.commit([{"n": 0}]))
        return bool(set(program.ids()) & set(sent))

    until(has_come, tick_s=0.1)
    until(lambda: sent[-1] in program.ids())
    return sent[-1]


def told_missed(program: Running) -> int:
    """How many it says it had missed; who asks now and then missed more than was committed last."""
    told = re.findall("^-- missed while away: ([0-9]+)", program.remarks.read_text(), re.MULTILINE)
    return max(map(int, told), default=0)


def test_each_goes_on_where_its_last_run_has_ended(live: Live, web: Web, tmp_path: Path) -> None:
    for name in (each for each in OF_FACTS if not each.startswith("realtime")):
        state = ["--state", str(tmp_path / f"{name}.state")]
        arguments = ["--url", web.base_url, *options(name), *state]
        with running(name, tmp_path, *arguments) as first:
            last = came(live, first)
            until(lambda path=state[1]: last in Path(path).read_text())  # type: ignore[misc] # noqa: B023
        missed = live.commit([{"n": 1}] * 2)
        live.wait_until_logged(missed)
        with running(name, tmp_path, *arguments) as second:
            until(lambda program=second: missed[-1] in program.ids())  # type: ignore[misc] # noqa: B023
            assert second.ids()[:2] == missed


@pytest.mark.parametrize("name", [name for name in OF_FACTS if not name.startswith("realtime")])
def test_a_room_that_is_not_there_is_told_in_a_sentence(web: Web, name: str) -> None:
    done = subprocess.run(
        [*command(name), "--url", web.base_url, "--rooms", "nothing:here"],
        capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("404: ")
    assert len(done.stderr.splitlines()) == 1
