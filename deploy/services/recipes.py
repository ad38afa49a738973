"""How an instance of our own is made: what a service module tells the rest."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.services.wire import Probe


@dataclass(frozen=True, kw_only=True)
class Launch:
    """The command that serves in the foreground, and what belongs to stopping it."""

    argv: list[str]
    env: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    after_stop: list[str] = field(default_factory=list)
    after_stop_env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One program that can serve. `name` is the directory of its instance."""

    name: str
    origin: str
    prepare: Callable[[Path], None]
    launch: Callable[[Path, int], Launch]


@dataclass(frozen=True, kw_only=True)
class Service:
    """A server that tests need. `url` has the placeholders {port} and {database}.

    One with a `program` is none: tests start that program, and all they need is its path.
    """

    name: str
    title: str
    variable: str
    url: str
    port: int
    suites: str
    probe: Probe
    installed: Callable[[], Recipe | None]
    wheel: Callable[[], Recipe | None] = lambda: None
    program: Callable[[], str | None] | None = None
    packages: tuple[str, ...] = ()
    required: bool = False

    def url_at(self, port: int, *, database: str) -> str:
        return self.url.format(port=port, database=database)


def nothing_to_prepare(directory: Path) -> None:
    """For servers that begin with an empty directory."""
