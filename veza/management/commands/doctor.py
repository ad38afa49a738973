"""`manage.py doctor`: what of this set-up is to be mended."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import IO, cast

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import OperationalError, connection
from rich.console import Console
from rich.table import Table

from veza.kit.probes import Answer, Probe, read_all
from veza.management.doctor import machine, network, protection, servers
from veza.management.doctor.finding import Finding, fault

TIMEOUT_S = 8.0
MARKS = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "fault": "[red]fault[/]",
         "off": "[dim]off[/]"}  # fmt: skip
CHECKS: Mapping[str, Callable[[], Finding]] = {
    "settings": protection.check_settings,
    "debug": protection.check_debug,
    "secrets": protection.check_secrets,
    "address": protection.check_hosts,
    "python": machine.check_python,
    "packages": machine.check_packages,
    "port": network.check_port,
    "data directory": machine.check_data_dir,
    "disk": machine.check_disk,
    "open files": machine.check_file_limit,
    "processes": machine.check_processes,
    "postgres": servers.check_postgres,
    "migrations": servers.check_migrations,
    "write-ahead log": servers.check_wal,
    "clock": machine.check_clock,
    "redis": servers.check_redis,
    "broker": servers.check_broker,
    "workers": servers.check_workers,
    "nats": servers.check_nats,
    "storage": servers.check_storage,
    "antivirus": servers.check_antivirus,
    "stream server": servers.check_stream_server,
    "mail": servers.check_mail,
    "relay": servers.check_relay,
    "handlers": servers.check_handlers,
    "capture": servers.check_capture,
    "webtransport": network.check_webtransport,
}
SERVERS = {
    "postgres": "Start PostgreSQL (`make run` brings its own), or mend DATABASE_URL.",
    "redis": "Start Redis or Valkey, or mend REDIS_URL.",
    "broker": "Start RabbitMQ, or mend AMQP_URL.",
    "nats": "Start NATS with JetStream, or mend NATS_URL.",
    "storage": "Mend S3_ENDPOINT_URL, S3_BUCKET and its keys, or the rights of VEZA_DATA_DIR.",
    "antivirus": "Start clamd, or mend CLAMD_URL.",
    "stream server": "Start it, or mend STREAM_SERVER_URL.",
    "mail": "Mend SMTP_URL: the server does not take our connection.",
    "workers": "Start the broker first: see `broker` and `redis`.",
}


class Command(BaseCommand):
    """Looks, and changes nothing."""

    help = (
        "Look at settings, secrets, the machine, the servers and the processes, and say of each"
        " in one sentence what to mend. Changes nothing. Exit code 1 when there is a fault, with"
        " --strict also for a warning."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--strict", action="store_true", help="a warning is a fault")

    def handle(self, *args: object, **options: object) -> None:
        findings = look()
        bad = {"fault", "warning"} if options["strict"] else {"fault"}
        is_well = not any(each.state in bad for each in findings.values())
        if options["json"]:
            told = [{"name": name, **asdict(each)} for name, each in findings.items()]
            self.stdout.write(json.dumps({"ok": is_well, "checks": told}))
        else:
            self._tell(findings)
        if not is_well:
            sys.exit(1)

    def _tell(self, findings: Mapping[str, Finding]) -> None:
        table = Table("", "", "how it is, and what to mend", box=None, title_justify="left",
                      title=f"Veza {settings.VERSION}, {settings.VEZA_ENV}")  # fmt: skip
        for name, each in findings.items():
            text = each.detail + (f"\n[bold]{each.mend}[/]" if each.mend else "")
            table.add_row(name, MARKS[each.state], text)
        Console(file=cast(IO[str], self.stdout)).print(table)
        faults = sum(each.state == "fault" for each in findings.values())
        warnings = sum(each.state == "warning" for each in findings.values())
        self.stdout.write(f"{faults} faults, {warnings} warnings")


def look() -> dict[str, Finding]:
    """All checks at once; one that hangs is told, and keeps nobody waiting."""
    probes = {
        name: Probe(_closing(check), timeout_s=TIMEOUT_S, max_age_s=0)
        for name, check in CHECKS.items()
    }
    return {name: _read(name, answer) for name, answer in read_all(probes).items()}


def _closing(check: Callable[[], Finding]) -> Callable[[], Finding]:
    """Each check has a thread, and with it a connection to the database, of its own."""

    def ask() -> Finding:
        try:
            return check()
        finally:
            connection.close()

    return ask


def _read(name: str, answer: Answer[Finding]) -> Finding:
    if answer.value is not None:
        return answer.value
    mend = SERVERS.get(name, SERVERS["postgres"])
    if answer.error is None:
        return fault(f"No answer within {TIMEOUT_S:.0f} s.", mend=mend)
    kind = type(answer.error).__name__
    if name not in SERVERS and isinstance(answer.error, OperationalError):
        return fault("It could not be asked: the database does not answer.", mend=mend)
    if name not in SERVERS:
        mend = "Report this with the output of `manage.py doctor --json`."
    words = " ".join(str(answer.error).split())
    return fault(f"{kind}: {words[:200]}" if words else kind, mend=mend)
