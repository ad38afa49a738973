"""The doctor finds what is broken, says what to mend, and ends with a code."""

import json
import socket
import stat
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from veza.management.commands import doctor
from veza.management.doctor import machine, protection, servers
from veza.management.doctor.finding import Finding, fault, ok, warning


def examine(*options: str) -> tuple[int, dict[str, Any]]:
    out = StringIO()
    try:
        call_command("doctor", "--json", *options, stdout=out)
        code = 0
    except SystemExit as end:
        code = int(str(end.code))
    return code, json.loads(out.getvalue())


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def only(**found: Callable[[], Finding]) -> None:
        monkeypatch.setattr(doctor, "CHECKS", found)

    return only


@pytest.mark.parametrize(
    ("found", "options", "code"),
    [(ok("fine"), [], 0), (warning("soon", mend="Do it."), [], 0),
     (warning("soon", mend="Do it."), ["--strict"], 1), (fault("broken", mend="Do it."), [], 1)],
)  # fmt: skip
def test_the_exit_code_says_whether_all_is_well(
    checks: Callable[..., None], found: Finding, options: list[str], code: int
) -> None:
    checks(thing=lambda: found)
    ended, told = examine(*options)
    assert (ended, told["ok"]) == (code, not code)
    assert told["checks"] == [
        {"name": "thing", "state": found.state, "detail": found.detail, "mend": found.mend}
    ]


def test_people_read_a_table(checks: Callable[..., None]) -> None:
    checks(disk=lambda: fault("0.1 GiB free", mend="Free some room."))
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", stdout=out)
    assert "Free some room." in out.getvalue()
    assert "1 faults, 0 warnings" in out.getvalue()


def test_what_fails_or_hangs_is_told_and_keeps_nobody_waiting(
    checks: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "TIMEOUT_S", 0.2)

    def fail() -> Finding:
        raise OperationalError("connection refused")

    hangs, other = socket.socketpair()

    def hang() -> Finding:
        hangs.recv(1)
        return ok()

    checks(postgres=fail, clock=fail, redis=hang)
    _, told = examine()
    postgres, clock, redis = told["checks"]
    assert "connection refused" in postgres["detail"]
    assert "DATABASE_URL" in postgres["mend"]
    assert "database does not answer" in clock["detail"]
    assert "No answer" in redis["detail"]
    other.close()  # ends the wait
    hangs.close()


def test_weak_and_shared_secrets_are_faults(settings: Any) -> None:
    settings.SECRET_KEY = "abcdefghijklmnopqrstuvwxyz0123456789"
    settings.ENCRYPTION_KEYS = ["zyxwvutsrqponmlkjihgfedcba9876543210"]
    settings.INTERNAL_API_SECRETS = ["qwertzuiopasdfghjklyxcvbnm0192837465"]
    settings.CHAT_TOKEN_SECRET = settings.SECRET_KEY
    shared = protection.check_secrets()
    assert (shared.state, "same" in shared.detail) == ("fault", True)
    settings.CHAT_TOKEN_SECRET = "secret"
    weak = protection.check_secrets()
    assert (weak.state, weak.detail) == ("fault", "CHAT_TOKEN_SECRET can be guessed.")
    settings.CHAT_TOKEN_SECRET = "mnbvcxylkjhgfdsapoiuztrewq5647382910"
    assert protection.check_secrets().state == "ok"


def test_production_wants_its_hosts_https_and_no_debug(settings: Any) -> None:
    settings.VEZA_ENV, settings.DEBUG, settings.ALLOWED_HOSTS = "production", True, ["*"]
    assert protection.check_debug().state == "fault"
    assert "ALLOWED_HOSTS" in protection.check_hosts().mend
    settings.ALLOWED_HOSTS, settings.IS_HTTPS = ["veza.example"], False
    assert "https://" in protection.check_hosts().mend


def test_secrets_that_others_can_read_are_a_fault(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    secrets = tmp_path / "secrets.json"
    secrets.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
    assert machine.check_data_dir().state == "ok"
    secrets.chmod(0o644)
    assert "chmod 600" in machine.check_data_dir().mend


def test_nothing_that_runs_is_a_fault(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    assert "make run" in machine.check_processes().mend


@pytest.mark.django_db
def test_the_servers_of_the_tests_are_well(settings: Any) -> None:
    assert servers.check_postgres().state in ("ok", "warning")  # not every one can be captured
    assert servers.check_migrations().state == "ok"
    assert machine.check_clock().state == "ok"
    assert servers.check_redis().state in ("ok", "warning")
    settings.REDIS_URL = ""
    assert servers.check_redis().mend == "Set REDIS_URL."
    assert "relay" in servers.check_relay().mend


def test_demo_data_has_no_place_in_production(settings: Any) -> None:
    settings.VEZA_ENV = "production"
    with pytest.raises(CommandError, match="no place in production"):
        call_command("seed_demo")
