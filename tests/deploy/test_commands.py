"""The commands, as people and the Makefile call them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from deploy.services import catalogue, cli, places
from deploy.services.ways import Available, Missing
from tests.patience import PATIENCE_S

ROOT = Path(settings.BASE_DIR)
POSTGRES, REDIS, RABBITMQ, NATS, CLAMD, *_ = catalogue.SERVICES
EXIT_3 = (sys.executable, "-c", "raise SystemExit(3)")
EXIT_0 = (sys.executable, "-c", "")
FOUND = Available(REDIS, "redis://127.0.0.1:1/0", "found")
NO_CLAMD = Missing(CLAMD, ("it is not installed", "there is no Docker"))


def services(*words: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "deploy/services", *words], cwd=ROOT, env={**os.environ, **environ},
        capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip


@pytest.fixture
def environ(tmp_path):
    return {"VEZA_SERVICES_DIR": str(tmp_path)}


@pytest.mark.parametrize("command", ["", "up", "run", "status", "env", "stop"])
def test_help_is_everywhere(environ, command):
    done = services(*filter(None, [command]), "--help", environ=environ)

    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: python deploy/services {command}".rstrip())


def test_an_unknown_service_is_named(environ):
    done = services("up", "--only", "redis,mongodb", environ=environ)

    assert done.returncode == 2
    assert "unknown: mongodb" in done.stderr


@pytest.mark.skipif("REDIS_URL" not in os.environ, reason="REDIS_URL is not set")
class TestWithARunningServer:
    def test_run_hands_over_the_address_and_gives_back_the_exit_code(self, environ):
        program = "import os, sys; print(os.environ['REDIS_URL']); sys.exit(7)"

        done = services(
            "run", "--only", "redis", "--", sys.executable, "-c", program, environ=environ
        )

        assert done.returncode == 7
        assert done.stdout.strip() == os.environ["REDIS_URL"]

    def test_env_prints_what_a_shell_can_read(self, environ):
        done = services("env", "--only", "redis", environ=environ)

        assert done.stdout == f"REDIS_URL={os.environ['REDIS_URL']}\n"

    def test_status_starts_nothing(self, environ, tmp_path):
        environ["NATS_URL"] = "nats://127.0.0.1:1"

        done = services("status", "--only", "redis,nats", environ=environ)

        assert done.returncode == 0
        assert [line.split()[0] for line in done.stdout.splitlines()] == ["Redis", "NATS"]
        assert "not available" in done.stdout
        assert not (tmp_path / "nats").exists()


class TestConclusion:
    """What is said and returned once the command has run."""

    def test_is_the_commands_own_when_all_could_be_had(self, capfd):
        assert cli.conclude([FOUND], words=EXIT_3, environ={}) == 3
        assert capfd.readouterr().err == ""

    def test_names_what_is_missing_and_its_suites_at_the_end(self, capfd):
        code = cli.conclude([FOUND, NO_CLAMD], words=EXIT_0, environ={})

        assert code == 0
        assert capfd.readouterr().err.splitlines()[-2:] == [
            "  clamd: it is not installed; there is no Docker",
            "    not run: needs_clamd",
        ]

    def test_is_a_failure_under_ci_when_something_is_missing(self):
        assert cli.conclude([FOUND, NO_CLAMD], words=EXIT_0, environ={"CI": "true"}) == 1

    def test_keeps_the_commands_failure_under_ci(self):
        assert cli.conclude([FOUND, NO_CLAMD], words=EXIT_3, environ={"CI": "true"}) == 3

    def test_without_a_required_service_the_command_is_not_tried(self, capfd, tmp_path):
        mark = tmp_path / "ran"
        words = (sys.executable, "-c", f"open({str(mark)!r}, 'w')")

        assert cli.conclude([Missing(POSTGRES, ("no",))], words=words, environ={}) == 1
        assert not mark.exists()
        assert "not run: everything" in capfd.readouterr().err

    def test_a_stale_address_of_a_missing_service_is_not_handed_on(self, capfd):
        program = "import os; print(os.environ.get('CLAMD_URL', 'none'))"

        cli.conclude(
            [NO_CLAMD],
            words=(sys.executable, "-c", program),
            environ={"CLAMD_URL": "tcp://127.0.0.1:2"},
        )

        assert capfd.readouterr().out == "none\n"

    def test_an_unknown_command_is_said(self, capfd):
        assert cli.conclude([FOUND], words=("no-such-program",), environ={}) == 127
        assert capfd.readouterr().err == "no-such-program: No such file or directory\n"


class TestRunsSideBySide:
    def test_have_databases_of_their_own(self, tmp_path):
        with places.slot(tmp_path) as first, places.slot(tmp_path) as second:
            names = {places.database_name(tmp_path, slot=slot) for slot in (first, second)}

        assert (first, second) == (0, 1)
        assert len(names) == 2

    def test_of_two_copies_have_them_too(self, tmp_path):
        one, other = (places.database_name(tmp_path / name, slot=0) for name in ("a", "b"))

        assert one != other

    def test_take_up_the_lowest_free_slot(self, tmp_path):
        with places.slot(tmp_path):
            pass
        with places.slot(tmp_path) as again:
            assert again == 0

    def test_wait_for_each_other_when_they_start_services(self, tmp_path):
        waited = []
        program = (
            "import fcntl, sys\n"
            f"file = open({str(tmp_path / 'lock')!r}, 'w')\n"
            "fcntl.flock(file, fcntl.LOCK_EX)\n"
            "print('held', flush=True)\n"
            "sys.stdin.read()\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as other:
            stdin = other.stdin
            assert stdin
            assert other.stdout
            assert other.stdout.readline() == b"held\n"

            def let_go() -> None:
                waited.append("waited")
                stdin.close()

            with places.locked(tmp_path, on_wait=let_go):
                assert waited == ["waited"]
