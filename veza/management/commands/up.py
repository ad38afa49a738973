"""`manage.py up`: the whole platform on one machine, supervised."""

import hashlib
import json
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import get_commands
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import OperationalError
from rich.console import Console
from rich.table import Table

from veza.config import Config, ConfigError, load
from veza.embedded import datadir, postgres, roles, state, valkey
from veza.embedded.errors import EmbeddedError
from veza.embedded.job import Job
from veza.embedded.ports import check_port, free_port, udp_port
from veza.embedded.service import Service
from veza.embedded.signals import Signals, StopRequestedError
from veza.embedded.supervisor import Supervisor

SERVERS_READY_WITHIN_S = 120
WEB_READY_WITHIN_S = 120


class Command(BaseCommand):
    """Starts everything that is not there, and stops all of it in order."""

    help = (
        "Start the whole platform on this machine: PostgreSQL and Valkey unless DATABASE_URL and "
        "REDIS_URL name others, then web, worker, beat, relay, capture, projector and "
        "webtransport. Prints "
        "`ready <address>` when requests are answered. SIGTERM or Ctrl-C stops everything; a "
        "second one hurries."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, help="where to serve; default: PORT (8000)")
        parser.add_argument("--data-dir", type=Path, help="default: VEZA_DATA_DIR (.veza)")
        parser.add_argument(
            "--no-demo",
            action="store_true",
            help="make no demo accounts and music, play no demo games",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        environ = dict(os.environ)  # noqa: TID251 - the children inherit it
        if options["port"] is not None:
            environ["PORT"] = str(options["port"])
        if options["data_dir"] is not None:
            environ["VEZA_DATA_DIR"] = str(options["data_dir"])
        try:
            config = load(environ)
            with Signals().installed() as signals:
                Platform(config, environ=environ, demo=not options["no_demo"]).run(signals)
        except (ConfigError, EmbeddedError) as fault:
            self.stderr.write(str(fault))
            sys.exit(1)


class Platform:
    """One run of everything, from the first check to the last process stopped."""

    def __init__(self, config: Config, *, environ: dict[str, str], demo: bool) -> None:
        self._config = config
        self._environ = environ
        self._demo = demo and not config.is_production
        self._data_dir = config.veza_data_dir.resolve()
        self._address = f"http://127.0.0.1:{config.port}"
        self._console = Console(highlight=False, soft_wrap=True)

    def run(self, signals: Signals) -> None:
        """Serve until asked to stop. Raises EmbeddedError when it cannot be started."""
        with datadir.hold(self._data_dir) as mark:
            check_port(self._config.port)
            env = roles.environment(
                self._environ, data_dir=self._data_dir, port=self._config.port, mark=mark
            )
            supervisor = Supervisor(data_dir=self._data_dir, signals=signals, say=self._say)
            try:
                self._start(supervisor, env)
                supervisor.watch()
            except StopRequestedError:
                pass
            finally:
                self._say("Stopping ...")
                supervisor.stop(timeout_s=self._config.shutdown_timeout_s)
        self._say("Stopped.")

    def _start(self, supervisor: Supervisor, env: dict[str, str]) -> None:
        roles.empty_metrics(self._data_dir)
        servers = self._servers(env)
        if servers:
            self._say("Starting " + " and ".join(service.name for service in servers) + " ...")
            supervisor.add(servers)
            supervisor.wait_ready(
                [service.name for service in servers], timeout_s=SERVERS_READY_WITHIN_S
            )
        self._migrate(supervisor, env)
        accounts = self._demo_accounts(supervisor, env)
        known = get_commands()
        needs = tuple(service.name for service in servers)
        plan = roles.Roles(
            data_dir=self._data_dir, port=self._config.port, env=env, needs=needs,
            plays=self._demo and self._config.database_url is None,
            webtransport_port=udp_port(self._config.webtransport_port),
        )  # fmt: skip
        ours = [service for service in plan.services() if service.name in known]
        self._say("Starting " + ", ".join(service.name for service in ours) + " ...")
        supervisor.add(ours)
        supervisor.wait_ready(["web"], timeout_s=WEB_READY_WITHIN_S)
        self._console.print(self._table(accounts))
        sys.stdout.write(f"ready {self._address}\n")
        sys.stdout.flush()
        self._demo_data(supervisor, env)

    def _servers(self, env: dict[str, str]) -> list[Service]:
        servers = []
        if self._config.database_url is None:
            servers.append(postgres.service(self._data_dir, port=free_port(), env=env))
        if self._config.redis_url is None:
            servers.append(valkey.service(self._data_dir, port=free_port(), env=env))
        return servers

    def _migrate(self, supervisor: Supervisor, env: dict[str, str]) -> None:
        if port := state.service_port(self._data_dir, "postgres"):
            connection.settings_dict["PORT"] = port  # not known when the settings were read
        if is_migrated():
            return
        self._say("Preparing the database ...")
        supervisor.run_job("migrate", roles.manage("migrate", "--no-input"), env=env)

    def _demo_accounts(self, supervisor: Supervisor, env: dict[str, str]) -> list[dict[str, Any]]:
        if not self._demo or "demo" not in get_commands():
            return []
        known = self._data_dir / "demo.json"
        url = self._config.database_url
        database = hashlib.sha256(url.encode()).hexdigest() if url else "embedded"
        if known.exists():
            made = json.loads(known.read_text(encoding="utf-8"))
            if made["database"] == database:  # else that one has no demo data yet
                return list(made["accounts"])
        self._say("Making demo data ...")
        printed = supervisor.run_job("demo", roles.manage("demo", "--json"), env=env)
        accounts = list(json.loads(printed)["accounts"])
        made = {"database": database, "accounts": accounts}
        state.write_private(known, json.dumps(made, indent=1) + "\n")
        return accounts

    def _demo_data(self, supervisor: Supervisor, env: dict[str, str]) -> None:
        """Beside the running platform, until it was done once; `seed_demo` goes on by itself."""
        known = self._data_dir / "demo.json"
        if not self._demo or "seed_demo" not in get_commands() or not known.exists():
            return
        made = json.loads(known.read_text(encoding="utf-8"))
        if made.get("is_furnished"):
            return

        def note() -> None:
            state.write_private(known, json.dumps(made | {"is_furnished": True}, indent=1) + "\n")

        self._say("Making demo music in the background: 12 artists, 40 tracks ...")
        log = self._data_dir / "logs" / "seed_demo.log"
        supervisor.run_beside(
            Job(name="seed_demo", argv=roles.manage("seed_demo"), env=env, log=log, done=note)
        )

    def _table(self, accounts: list[dict[str, Any]]) -> Table:
        table = Table(title="Veza", title_justify="left", show_header=False)
        for name, path in PAGES.items():
            table.add_row(name, self._address + path)
        if port := state.service_port(self._data_dir, "postgres"):
            table.add_row("Database", f"postgres://postgres@127.0.0.1:{port}/{postgres.DATABASE}")
        table.add_row("Files and logs", str(self._data_dir))
        for number, account in enumerate(accounts):
            shown = f"{account['username']:<10} {account['password']:<21} {account['roles'][-1]}"
            table.add_row("" if number else "Demo accounts", shown)
        return table

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False)


PAGES = {
    "Platform": "/",
    "API documentation": "/api/docs/",
    "Admin": "/admin/",
    "Health": "/readyz",
}


def is_migrated() -> bool:
    """Whether no migration is left to apply.

    Raises EmbeddedError when the database has migrations that this version does not know, or
    does not answer.
    """
    try:
        executor = MigrationExecutor(connection)
        loader = executor.loader
        unknown = loader.applied_migrations.keys() - loader.disk_migrations.keys()
        for app, name in sorted(key for key in unknown if key[0] in loader.migrated_apps):
            raise EmbeddedError(
                f"The database was migrated by a newer Veza ({app}.{name}): "
                "start that version, or choose another VEZA_DATA_DIR or DATABASE_URL."
            )
        return not executor.migration_plan(loader.graph.leaf_nodes())
    except OperationalError as error:
        reason = " ".join(str(error).split())
        raise EmbeddedError(
            f"The database does not answer, check DATABASE_URL: {reason}"
        ) from error
    finally:
        connection.close()
