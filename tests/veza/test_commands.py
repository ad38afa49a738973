"""Every command says what it does and what each of its options does, and what prints an answer
prints it for programs too.
"""

import argparse
import json
import runpy
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import BaseCommand

from apps.events.selectors import log_bounds

OURS = ("apps.", "veza.")
ROOT = Path(settings.BASE_DIR)
NAMES = sorted(name for name, app in get_commands().items() if str(app).startswith(OURS))
# They run until they are ended, and tell of themselves in logs and in processes.json.
ROLES = {"api", "beat", "capture", "projector", "relay", "up", "web", "webtransport", "worker"}
DJANGOS = set(BaseCommand().create_parser("", "")._option_string_actions)
SCRIPTS = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "deploy").rglob("*.py")
    if "ArgumentParser(" in path.read_text() and "__main__" in path.read_text()
)


def parsers(name: str) -> Iterator[argparse.ArgumentParser]:
    """Those that end in an action: of a command with subcommands, each of them."""
    command = load_command_class(str(get_commands()[name]), name)
    parser = command.create_parser("manage.py", name)
    found = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    yield from [each for action in found for each in action.choices.values()] or [parser]


def own(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [each for each in parser._actions if not DJANGOS & set(each.option_strings)]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_of_ours_says_what_it_does(name: str) -> None:
    command = load_command_class(str(get_commands()[name]), name)
    assert len(command.help) > 30
    assert command.help[0].isupper()
    for parser in parsers(name):
        assert [each.dest for each in own(parser) if not each.help] == []
        assert len(parser.format_help().splitlines()) > 3


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ROLES])
def test_every_answer_is_there_for_programs(name: str) -> None:
    """What writes documents says with --check by its exit code whether they are stale."""
    for parser in parsers(name):
        options = {option for each in own(parser) for option in each.option_strings}
        assert options & {"--json", "--check"}


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_says_what_it_does(script: str, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", [script, "--help"])
    monkeypatch.syspath_prepend(str(ROOT))
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / script), run_name="__main__")
    printed = capsys.readouterr().out
    assert ended.value.code == 0
    assert printed.startswith("usage:")
    assert len([line for line in printed.splitlines() if line.strip()]) > 3


def test_the_services_of_tests_are_told_to_programs() -> None:
    status = [sys.executable, "deploy/services", "status", "--only", "postgres,redis", "--json"]
    done = subprocess.run(status, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout).keys() == {"postgres", "redis"}


@pytest.mark.django_db
def test_the_epoch_is_told_to_programs() -> None:
    out = StringIO()
    call_command("events_epoch", "--json", stdout=out)
    bounds = log_bounds()
    assert json.loads(out.getvalue()) == {
        "epoch": bounds.epoch, "oldest": bounds.oldest, "head": bounds.head,
    }  # fmt: skip


def test_a_command_collects_garbage_once_it_is_loaded() -> None:
    asked = "import gc; print(gc.isenabled(), gc.get_freeze_count() > 100_000)"
    shell = [sys.executable, "manage.py", "shell", "--no-imports", "-c", asked]
    done = subprocess.run(shell, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]
