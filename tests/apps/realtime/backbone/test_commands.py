"""`manage.py backbone`: the terminal clients against a running server."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.conf import settings

from tests.apps.realtime.backbone.client import consumer, ingestor, new_instrument, price_frame
from tests.apps.realtime.live import Account, Live, Web
from tests.patience import PATIENCE_S


def start(live: Live, web: Web, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "manage.py", "backbone", *arguments, "--url", web.ws_url],
        cwd=settings.BASE_DIR, env=live.environment(), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.fixture
def running() -> Iterator[list["subprocess.Popen[str]"]]:
    """Programs that are killed at the end if they still run."""
    programs: list[subprocess.Popen[str]] = []
    yield programs
    for program in programs:
        if program.poll() is None:
            program.kill()
        program.communicate()


class TestIngest:
    def test_sends_a_random_walk_at_its_rate(self, live: Live, web: Web, producer: Account) -> None:
        one, two = new_instrument(), new_instrument()
        with consumer(web) as program:
            program.join(one).join(two)
            ingest = start(
                live, web, "ingest", "--token", producer.access,
                "--instruments", f"{one},{two}", "--rate", "200", "--count", "100",
            )  # fmt: skip
            printed, complaints = ingest.communicate(timeout=PATIENCE_S)
            assert ingest.returncode == 0, complaints
            assert "100 sent" in printed
            assert "0 refused" in printed
            frames = program.rest()
        assert [frame["room"] for frame in frames] == [one, two] * 50
        times = [frame["data"]["ts"] for frame in frames]
        assert times == sorted(times)
        assert times[-1] - times[0] > 300  # 100 at 200/s take half a second

    def test_sends_lines_of_json(self, live: Live, web: Web, producer: Account) -> None:
        name = new_instrument()
        lines = [
            json.dumps({"instrument": name, "price": 1.5, "ts": 1}),
            "",
            json.dumps({"type": "price_update", "instrument": name, "price": -1, "ts": 1}),
            json.dumps({"instrument": name, "price": 2, "ts": 2, "volume": 7}),
        ]
        with consumer(web) as program:
            program.join(name)
            ingest = start(live, web, "ingest", "--stdin", "--token", producer.access)
            printed, _ = ingest.communicate("\n".join(lines), timeout=PATIENCE_S)
            assert program.rest() == [price_frame(name, 1.5), price_frame(name, 2, 2)]
        assert ingest.returncode == 0
        assert "3 sent" in printed
        assert "1 refused, the last because: price" in printed

    def test_says_which_line_is_no_json(self, live: Live, web: Web, producer: Account) -> None:
        ingest = start(live, web, "ingest", "--stdin", "--token", producer.access)
        _, complaints = ingest.communicate("nonsense\n", timeout=PATIENCE_S)
        assert ingest.returncode == 1
        assert complaints.strip() == "CommandError: Line 1 is no JSON object."

    def test_does_not_come_back_with_a_wrong_token(self, live: Live, web: Web) -> None:
        ingest = start(live, web, "ingest", "--token", "nonsense")
        _, complaints = ingest.communicate(timeout=PATIENCE_S)
        assert ingest.returncode == 1
        assert "The server closed the connection: invalid token." in complaints

    def test_finds_the_demo_ingestor_by_itself(self, live: Live, web: Web) -> None:
        ingest = start(live, web, "ingest", "--instruments", "3", "--count", "3")
        printed, complaints = ingest.communicate(timeout=PATIENCE_S)
        assert ingest.returncode == 0, complaints
        assert "3 sent" in printed


class TestConsume:
    def test_prints_a_line_of_json_a_message_and_comes_back(
        self, live: Live, producer: Account, running: list["subprocess.Popen[str]"]
    ) -> None:
        name = new_instrument()
        price = {"instrument": name, "price": 7, "ts": 1}
        with live.another_web() as web:
            consume = start(live, web, "consume", name, "--json", "--count", "2")
            running.append(consume)
            _send(web, producer, price)
            assert consume.stdout is not None
            first = json.loads(consume.stdout.readline())
            assert first["data"] == {"type": "price_update", **price}
            web.restart()
            second = json.loads(consume.communicate(timeout=PATIENCE_S)[0])
        assert second["data"] == first["data"]
        assert second["warm"]
        assert consume.returncode == 0

    def test_shows_a_table(
        self, live: Live, web: Web, producer: Account, running: list["subprocess.Popen[str]"]
    ) -> None:
        name = new_instrument()
        consume = start(live, web, "consume", name, "nosuch:room", "--count", "1")
        running.append(consume)
        _send(web, producer, {"instrument": name, "price": 60214.3, "ts": 1})
        printed, _ = consume.communicate(timeout=PATIENCE_S)
        assert consume.returncode == 0
        assert name in printed
        assert "60214.3" in printed
        assert "1 received" in printed


@pytest.mark.parametrize(
    "wrong",
    [
        ["ingest", "--rate", "0"], ["ingest", "--rate", "fast"], ["ingest", "--instruments", ","],
        ["consume", "--count", "-1"], [], ["produce"],
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_told(live: Live, wrong: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "backbone", *wrong],
        cwd=settings.BASE_DIR, env=live.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "error:" in done.stderr


@pytest.mark.parametrize("role", ["ingest", "consume"])
def test_help_is_there(live: Live, role: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "backbone", role, "--help"],
        cwd=settings.BASE_DIR, env=live.environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "--count" in done.stdout


def _send(web: Web, producer: Account, price: dict[str, object]) -> None:
    with ingestor(web, token=producer.access) as feed:
        feed.send(type="price_update", **price)
        assert feed.rest() == []
