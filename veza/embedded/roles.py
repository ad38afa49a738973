"""The platform's own processes: each is `manage.py <role>` with its environment."""

import http.client
import shutil
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from veza.embedded.processes import MARK
from veza.embedded.service import Service

DEMO_GAMES = ("simulate", "--rate", "0.5", "--prices", "--quiet")
MANAGE = Path(__file__).resolve().parents[2] / "manage.py"


def environment(
    environ: Mapping[str, str], *, data_dir: Path, port: int, mark: str
) -> dict[str, str]:
    """What every child of the supervisor finds in its environment."""
    return {
        **environ,
        "VEZA_DATA_DIR": str(data_dir),
        "PORT": str(port),
        "PROMETHEUS_MULTIPROC_DIR": str(data_dir / "metrics"),
        "PYTHONUNBUFFERED": "1",
        MARK: mark,
    }


def manage(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, str(MANAGE), *arguments)


def empty_metrics(data_dir: Path) -> None:
    """What processes of an earlier start counted must not be added to what these count."""
    directory = data_dir / "metrics"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700, exist_ok=True)


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Makes the services; `needs` are the embedded servers that all of them wait for, `plays` says
    whether demo games are played.
    """

    data_dir: Path
    port: int
    webtransport_port: int
    env: Mapping[str, str]
    needs: tuple[str, ...]
    plays: bool = False

    def services(self) -> list[Service]:
        """All of them, in the order in which they are stopped."""
        games = self._role("rounds", *DEMO_GAMES, stops_by=0.08)
        worker = replace(
            self._role("worker", stops_by=0.30),
            # The second signal makes Celery give its unfinished tasks back to the broker.
            stop_signals=(signal.SIGTERM, signal.SIGQUIT),
        )
        web = replace(
            self._role("web", stops_by=0.80),
            port=self.port,
            is_ready=lambda: answers(self.port, "/readyz"),
        )
        webtransport = replace(
            self._role("webtransport", "--port", str(self.webtransport_port), stops_by=0.55),
            port=self.webtransport_port,
        )
        return [
            *([games] if self.plays else []),
            self._role("beat", stops_by=0.08),
            worker,
            webtransport,
            web,
            self._role("relay", stops_by=0.86),
            self._role("projector", stops_by=0.88),
            self._role("capture", stops_by=0.90),
        ]

    def _role(self, name: str, *arguments: str, stops_by: float) -> Service:
        return Service(
            name=name,
            argv=manage(name, *arguments),
            log=self.data_dir / "logs" / f"{name}.log",
            env={**self.env, "VEZA_ROLE": name},
            needs=self.needs,
            stops_by=stops_by,
        )


def answers(port: int, path: str) -> bool:
    """Whether the web process on this machine answers 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
