"""The commands of `python deploy/services`."""

import argparse
import contextlib
import functools
import json
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from deploy.services import catalogue, compose, instances, places, report, ways
from deploy.services.recipes import Service
from deploy.services.ways import Context, Missing, Outcome, Way

NAMES = [service.name for service in catalogue.SERVICES]


def main(argv: Sequence[str], *, environ: Mapping[str, str]) -> int:
    """Run one command. Returns the exit code."""
    arguments = _parser().parse_args(argv)
    code: int = arguments.command(arguments, environ)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python deploy/services",
        description="Finds or starts the servers that the tests talk to, and finds their browser.",
        epilog="Instances of our own live in VEZA_SERVICES_DIR (default .veza/services) and stay"
        " up between runs.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(commands, "up", _up, "make the services available and print their addresses")
    run = _add(commands, "run", _run, "make the services available and run a command with them")
    run.add_argument("words", nargs="+", metavar="CMD", help="the command, after --")
    status = _add(commands, "status", _status, "tell what runs, without starting anything")
    status.add_argument("--json", action="store_true", help="print one JSON object")
    _add(commands, "env", _env, "print KEY=VALUE lines of what runs, without starting anything")
    _add(commands, "stop", _stop, "stop the instances that were started here; data stays")
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    command: object,
    about: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
    parser.set_defaults(command=command)
    if name != "stop":
        parser.add_argument(
            "--only", type=_names, default=NAMES, metavar="NAME,...",
            help=f"only these of {', '.join(NAMES)}",
        )  # fmt: skip
        parser.add_argument(
            "--postgres", choices=("found", "embedded"), default="found",
            help="embedded: PostgreSQL 18 of the wheel, whatever else there is",
        )  # fmt: skip
    return parser


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := sorted(set(names) - set(NAMES)):
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}")
    return names


def _up(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    outcomes = _obtain(arguments, environ, slot=0)
    _tell(["Services:", *report.table(outcomes), *report.farewell(outcomes)])
    return int(any(isinstance(outcome, Missing) for outcome in outcomes))


def _run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    with places.slot(places.services_dir(environ)) as slot:
        outcomes = _obtain(arguments, environ, slot=slot)
        _tell(["Services:", *report.table(outcomes)])
        return conclude(outcomes, words=arguments.words, environ=environ)


def conclude(
    outcomes: Sequence[Outcome], *, words: Sequence[str], environ: Mapping[str, str]
) -> int:
    """Run the command and tell what was missing. Returns the command's exit code.

    Under CI=true a missing service makes a success a failure; without a required service the
    command is not even tried.
    """
    missing = [outcome for outcome in outcomes if isinstance(outcome, Missing)]
    if any(outcome.service.required for outcome in missing):
        _tell(report.farewell(outcomes))
        return 1
    code = _run_command(words, _environment(outcomes, environ))
    _tell(report.farewell(outcomes))
    return code or int(bool(missing) and environ.get("CI") == "true")


def _environment(outcomes: Sequence[Outcome], environ: Mapping[str, str]) -> dict[str, str]:
    """Addresses of what is missing are taken away, so that its suites are skipped."""
    absent = {outcome.service.variable for outcome in outcomes if isinstance(outcome, Missing)}
    kept = {name: value for name, value in environ.items() if name not in absent}
    return kept | report.variables(outcomes)


def _run_command(words: Sequence[str], env: Mapping[str, str]) -> int:
    try:
        child = subprocess.Popen(words, env=env)
    except OSError as error:
        report.tell(f"{words[0]}: {error.strerror}")
        return 127
    previous = signal.signal(signal.SIGTERM, functools.partial(_pass_on, child))
    try:
        return _wait(child)
    finally:
        signal.signal(signal.SIGTERM, previous)


def _pass_on(child: "subprocess.Popen[bytes]", number: int, _frame: FrameType | None) -> None:
    child.send_signal(number)


def _wait(child: "subprocess.Popen[bytes]") -> int:
    while True:
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C reaches the command by itself
            code = child.wait()
            return code if code >= 0 else 128 - code


def _status(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    outcomes = _look(arguments, environ)
    if arguments.json:
        print(json.dumps(report.addresses(outcomes)))
        return 0
    for line in report.table(outcomes):
        print(line)
    return 0


def _env(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    for name, value in report.variables(_look(arguments, environ)).items():
        print(f"{name}={value}")
    return 0


def _stop(_arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    root = places.services_dir(environ)
    with places.locked(root, on_wait=_waiting):
        running = instances.find_all(root)
        for name in running:
            report.tell(f"stopping {name} ...")
            instances.stop(root, name)
        had_containers = compose.stop(root)
    if not running and not had_containers:
        report.tell("Nothing of ours was running.")
    return 0


def _obtain(
    arguments: argparse.Namespace, environ: Mapping[str, str], *, slot: int
) -> list[Outcome]:
    root = places.services_dir(environ)
    with places.locked(root, on_wait=_waiting):
        return [
            ways.obtain(
                service, _context(service, root, environ, slot), order=_order(service, arguments)
            )
            for service in _wanted(arguments)
        ]


def _look(arguments: argparse.Namespace, environ: Mapping[str, str]) -> list[Outcome]:
    """What could be used now."""
    root = places.services_dir(environ)
    return [
        ways.obtain(
            service,
            _context(service, root, environ, 0),
            order=_order(service, arguments, starting=False),
        )
        for service in _wanted(arguments)
    ]


def _wanted(arguments: argparse.Namespace) -> list[Service]:
    return [service for service in catalogue.SERVICES if service.name in arguments.only]


def _order(
    service: Service, arguments: argparse.Namespace, *, starting: bool = True
) -> tuple[Way, ...]:
    if service.program:
        return ways.PROGRAM_ORDER if starting else (ways.program,)
    embedded = service.name == "postgres" and arguments.postgres == "embedded"
    if not starting:
        return (ways.running_wheel,) if embedded else (ways.listening, ways.running)
    return (ways.wheel,) if embedded else ways.ORDER


def _context(service: Service, root: Path, environ: Mapping[str, str], slot: int) -> Context:
    return Context(
        root=root,
        environ=environ,
        database=places.database_name(root, slot=slot),
        say=functools.partial(report.progress, service),
    )


def _waiting() -> None:
    report.tell("Another run is starting or stopping services: waiting for it ...")


def _tell(lines: Sequence[str]) -> None:
    for line in lines:
        report.tell(line)
